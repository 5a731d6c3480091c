//! A tmux server of its own, in whose one pane nothing runs that writes: the test does.

use std::{
    env, fs,
    path::PathBuf,
    process::{Command, Output},
    thread::sleep,
    time::Duration,
};

use super::Emulator;

/// How often tmux is asked for a screen, a moment apart: it may take long on a loaded machine.
const ATTEMPTS: u32 = 6000;

pub(super) struct Tmux {
    socket: PathBuf,
    device: String,
}

impl Tmux {
    pub(super) fn open(width: u16, height: u16) -> Self {
        let name = format!("cipher-chat-painter-{:016x}", rand::random::<u64>());
        let mut tmux = Self { socket: env::temp_dir().join(name), device: String::new() };
        let (width, height) = (width.to_string(), height.to_string());
        tmux.run(&["-f", "/dev/null", "new-session", "-d", "-x", &width, "-y", &height, "exec sleep 600"]);
        tmux.run(&["set", "-g", "status", "off"]);
        tmux.run(&["resize-window", "-x", &width, "-y", &height]);
        tmux.device = tmux.run(&["display-message", "-p", "#{pane_tty}"]).trim().to_owned();
        tmux
    }

    fn run(&self, parameters: &[&str]) -> String {
        let mut command = Command::new("tmux");
        command.env("LC_ALL", "C.UTF-8").args(["-u", "-S"]).arg(&self.socket).args(parameters);
        let Output { status, stdout, stderr } = command.output().unwrap();
        assert!(status.success(), "{parameters:?}: {}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).unwrap()
    }
}

impl Emulator for Tmux {
    fn write(&mut self, bytes: &[u8]) {
        fs::write(&self.device, bytes).unwrap();
    }

    fn rows(&mut self, end: &str) -> Vec<String> {
        let mut screen = String::new();
        for _ in 0..ATTEMPTS {
            screen = self.run(&["capture-pane", "-p"]);
            let rows: Vec<_> = screen.lines().map(|row| row.trim_end().to_owned()).collect();
            if rows.last().is_some_and(|row| row.ends_with(end)) {
                return rows;
            }
            sleep(Duration::from_millis(5));
        }
        panic!("no {end:?} at the end of:\n{screen}");
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        self.run(&["kill-server"]);
        // tmux may have removed it already.
        _ = fs::remove_file(&self.socket);
    }
}
