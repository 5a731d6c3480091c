//! `cipher-chat page`: the page for people who trust no host with it. As one file; its hashes; and whether
//! a host serves it unchanged.

mod helper_key;
mod module;
mod single;
mod verify;
mod webcat;

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::{ArgGroup, Args};
use client::{Server, ServerUrl, Trust};

use self::helper_key::HelperKeys;
use crate::{FAILED, WRONG_OPTIONS, fail};

/// The host does not answer, so nothing was compared.
const UNREACHABLE: u8 = 6;

/// The options of `cipher-chat page`.
#[derive(Args, Clone, Debug)]
#[command(group = ArgGroup::new("what").required(true).multiple(false).args(["single_file", "verify", "hashes", "webcat"]))]
pub struct PageOptions {
    /// Write the page as one HTML file, which can be opened from a disk or put on any host. The server that it
    /// talks to needs --allowed-origin null, or the origin of that host
    #[arg(long, value_name = "FILE")]
    single_file: Option<PathBuf>,
    /// The only server that the file will talk to. Without it the file asks the person, or the person who made a
    /// link such as `file.html#server=https://chat.example`
    #[arg(long, value_name = "URL", requires = "single_file")]
    server: Option<ServerUrl>,
    /// The operator's public key of passes: a file such as passes.pub, or the key in base64url. Who seeks help with
    /// this file then talks to helpers alone whose pass this key has signed, whatever the server says
    #[arg(long, value_name = "FILE|KEY", requires = "single_file")]
    helper_key: Option<HelperKeys>,
    /// Fetch the page from a host, compare it with this program's own, and name each difference. Ends with 0 if
    /// there is none, 1 if there are some, and 6 if the host does not answer. A host that serves one visitor
    /// another page is not found so
    #[arg(long, value_name = "URL")]
    verify: Option<ServerUrl>,
    /// Trust only the certificate authorities in this PEM file [default: those of this system]
    #[arg(long, value_name = "FILE", requires = "verify")]
    ca: Option<PathBuf>,
    /// Print the SHA-256 of every file of the page, as sha256sum does
    #[arg(long)]
    hashes: bool,
    /// Print the page's manifest for the browser extension WEBCAT, unsigned
    #[arg(long)]
    webcat: bool,
}

/// Does what was asked for.
pub async fn main(options: PageOptions) -> ExitCode {
    if let Some(host) = options.verify {
        return verify(host, options.ca).await;
    }
    if options.hashes {
        print!("{}", verify::hashes());
        return ExitCode::SUCCESS;
    }
    if options.webcat {
        return match webcat::manifest() {
            Ok(manifest) => {
                println!("{manifest}");
                ExitCode::SUCCESS
            }
            Err(error) => fail(&error, FAILED),
        };
    }
    match write(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, FAILED),
    }
}

fn write(options: &PageOptions) -> anyhow::Result<()> {
    let file = options.single_file.as_ref().context("nothing was asked for")?;
    let page = single::page(options.server.as_ref(), options.helper_key.as_ref())?;
    fs::write(file, page).with_context(|| file.display().to_string())
}

async fn verify(host: ServerUrl, ca: Option<PathBuf>) -> ExitCode {
    let trust = ca.map_or(Trust::System, Trust::Ca);
    let server = match Server::new([host.clone()], &trust) {
        Ok(server) => server,
        Err(fault) => return fail(&fault.into(), WRONG_OPTIONS),
    };
    let found = match verify::differences(&server).await {
        Ok(found) => found,
        Err(error) => return fail(&error, UNREACHABLE),
    };
    found.iter().for_each(|difference| println!("{difference}"));
    let version = env!("CARGO_PKG_VERSION");
    if found.is_empty() {
        println!("{host} serves the page of cipher-chat {version}, unchanged");
        return ExitCode::SUCCESS;
    }
    let count = found.len();
    eprintln!("{host} serves another page than that of cipher-chat {version}: {count} differences");
    ExitCode::from(FAILED)
}
