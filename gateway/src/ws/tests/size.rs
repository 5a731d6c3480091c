//! What an idle connection costs. A test that fails here asks whether the new field is worth 20,000
//! times its size.

use crate::{
    node::Node,
    routes::Routes,
    ws::{connection::Connection, outbox::Outbox, pump::Pump},
};

#[test]
fn an_idle_connection_is_small() {
    let sizes = [
        // With 8 bytes more tokio would take 384 for the task instead of 256.
        ("the task", size_of::<Pump<Node>>(), 128),
        // 8 of them are where its client comes from: keys of origins change while it is open. 6
        // count what it says in its chat.
        ("what others touch", size_of::<Connection>(), 232),
        ("its outbox", size_of::<Outbox>(), 56),
        ("its TLS layer, without keys", size_of::<records::Records>(), 152),
        ("its route", Routes::ENTRY_BYTES, 24),
    ];
    for (what, size, most) in sizes {
        println!("{what}: {size}");
        assert!(size <= most, "{what} takes {size} bytes, beyond {most}");
    }
}
