//! Everything together: a session, a connection that reconnects, and an end-to-end encrypted
//! channel for each room.
//!
//! ```no_run
//! use client::{Chat, Server, Trust, ChatCriteria, chat::Event};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::new(["https://chat.example".parse()?], &Trust::System)?;
//! let mut chat = Chat::open(&server).await?;
//! chat.find(ChatCriteria::topic("music".parse()?));
//! while let Some(event) = chat.next_event().await {
//!     match event {
//!         Event::Secured { safety } => {
//!             println!("compare over another channel: {:?}", safety.numbers());
//!             chat.send("hello")?;
//!         }
//!         Event::Message { text, .. } => println!("{text}"),
//!         Event::Ended { .. } => break,
//!         _ => {}
//!     }
//! }
//! chat.close().await;
//! # Ok(())
//! # }
//! ```

mod active;
mod criteria;
mod event;
mod helpers;
mod inputs;
mod state;

pub use self::{
    criteria::{ChatCriteria, MeetBy},
    event::{End, Event},
    helpers::Standing,
    state::Chat,
};
