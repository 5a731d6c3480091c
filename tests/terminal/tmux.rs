//! A terminal with a shell in it: a tmux server of its own, which ends with the test.

use std::{
    env, fs,
    path::PathBuf,
    process::{Command, Output},
    thread,
};

use crate::support::{eventually, unique};

/// The prompt of the shell.
const PROMPT: &str = "ready> ";

pub(crate) struct Terminal {
    socket: PathBuf,
}

impl Terminal {
    /// A terminal of this size.
    pub(crate) async fn open(width: u16, height: u16) -> Self {
        let terminal = Self { socket: env::temp_dir().join(unique("cipher-chat-tmux")) };
        let (width, height) = (width.to_string(), height.to_string());
        let shell = format!("env LC_ALL=C.UTF-8 PS1='{PROMPT}' ENV= sh -i");
        terminal.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", &width, "-y", &height, &shell]);
        terminal.shows(PROMPT.trim_end()).await;
        terminal
    }

    /// A terminal of the usual size, in which the chat is started with these parameters.
    pub(crate) async fn chatting(parameters: &str) -> Self {
        let terminal = Self::open(80, 24).await;
        terminal.chat("", parameters);
        terminal
    }

    /// Starts a chat from the shell, with these variables.
    pub(crate) fn chat(&self, variables: &str, parameters: &str) {
        self.line(&format!("{variables} {} chat {parameters}", env!("CARGO_BIN_EXE_cipher-chat")));
    }

    /// Types a text.
    pub(crate) fn write(&self, text: &str) {
        self.tmux(&["send-keys", "-l", "--", text]);
    }

    /// Types a line.
    pub(crate) fn line(&self, line: &str) {
        self.write(line);
        self.press("Enter");
    }

    /// Presses a key by its name.
    pub(crate) fn press(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    /// Pastes a text as a terminal does.
    pub(crate) fn paste(&self, text: &str) {
        self.tmux(&["set-buffer", "--", text]);
        self.tmux(&["paste-buffer", "-p", "-r"]);
    }

    pub(crate) fn resize(&self, width: u16, height: u16) {
        self.tmux(&["resize-window", "-x", &width.to_string(), "-y", &height.to_string()]);
    }

    /// Waits until the terminal's device reports this size.
    pub(crate) async fn is_of_size(&self, width: u16, height: u16) {
        let size = format!("rows {height}; columns {width};");
        eventually(&size, async || self.settings().contains(&size)).await;
    }

    /// What is visible.
    pub(crate) fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// What is visible, and all that was scrolled away.
    pub(crate) fn history(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-S", "-"])
    }

    /// Waits until a text is visible.
    pub(crate) async fn shows(&self, text: &str) {
        eventually(&format!("{text:?} on the screen"), async || self.screen().contains(text)).await;
    }

    /// Keeps what is drawn from now on, also what is soon drawn over.
    pub(crate) fn record(&self) {
        let into = format!("cat >{}", self.recording().to_str().unwrap());
        self.tmux(&["pipe-pane", "-O", &into]);
    }

    /// Waits until a word was drawn since then.
    pub(crate) async fn has_drawn(&self, word: &str) {
        let has_drawn =
            || fs::read(self.recording()).is_ok_and(|drawn| String::from_utf8_lossy(&drawn).contains(word));
        eventually(&format!("{word:?} was drawn"), async || has_drawn()).await;
    }

    fn recording(&self) -> PathBuf {
        self.socket.with_extension("drawn")
    }

    /// Waits until a text is no longer visible.
    pub(crate) async fn hides(&self, text: &str) {
        eventually(&format!("no {text:?} on the screen"), async || !self.screen().contains(text)).await;
    }

    /// Waits until the shell has the screen again.
    pub(crate) async fn is_back(&self) {
        eventually("the shell's screen", async || {
            self.alternate() == "0" && self.screen().contains(PROMPT.trim_end())
        })
        .await;
    }

    /// `1` while a program has a screen of its own.
    pub(crate) fn alternate(&self) -> String {
        self.tmux(&["display-message", "-p", "#{alternate_on}"]).trim().to_owned()
    }

    /// How the terminal treats keys, as `stty` shows it from outside.
    pub(crate) fn settings(&self) -> String {
        said(Command::new("stty").args(["-a", "-F", &self.device()]))
    }

    /// Writes into the screen behind the chat's back.
    pub(crate) fn scribble(&self, text: &str) {
        fs::write(self.device(), text).unwrap();
    }

    fn device(&self) -> String {
        self.tmux(&["display-message", "-p", "#{pane_tty}"]).trim().to_owned()
    }

    /// Sends a signal to the chat.
    pub(crate) fn signal(&self, name: &str) {
        said(Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child())]));
    }

    /// Stops the chat while something happens, so that the chat has to handle all of it at once.
    /// The shell must not control jobs (`set +m`), or it takes the terminal away from a stopped
    /// chat.
    pub(crate) async fn at_once(&self, happens: impl AsyncFnOnce(&Self)) {
        let state = format!("/proc/{}/stat", self.child());
        self.signal("STOP");
        eventually("a stopped chat", async || fs::read_to_string(&state).unwrap().contains(") T ")).await;
        happens(self).await;
        self.signal("CONT");
    }

    /// The shell's one child.
    fn child(&self) -> String {
        let shell = self.tmux(&["display-message", "-p", "#{pane_pid}"]);
        let shell = shell.trim();
        let children = fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).unwrap();
        children.trim().to_owned()
    }

    fn tmux(&self, parameters: &[&str]) -> String {
        let mut command = Command::new("tmux");
        for (name, _) in
            env::vars().filter(|(name, _)| name.starts_with("CIPHER_CHAT_") || name == "NO_COLOR")
        {
            command.env_remove(name);
        }
        said(command.args(["-u", "-S"]).arg(&self.socket).args(parameters))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- the terminal ---\n{}", self.screen());
        }
        self.tmux(&["kill-server"]);
        // tmux may have removed it already.
        _ = fs::remove_file(&self.socket);
        _ = fs::remove_file(self.recording());
    }
}

/// The output of a command, which has to succeed.
fn said(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert!(status.success(), "{command:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}
