//! `cipher-chat pki`: everything that the inner links of a cluster need, as files in one directory.
//!
//! Five authorities sign what is shown on five kinds of links, so that a certificate of one kind is
//! refused in every other place. Each node, server, proxy and person finds its own files in a
//! directory of its own; the authorities' keys are apart, in `authorities/`, with the [plan](Plan)
//! of what has been made. Running it again mends what is missing and changes nothing else.

mod authority;
mod contexts;
mod files;
mod keys;
mod leaf;
mod options;
mod permissions;
mod plan;
mod run;
mod service;

pub use self::{
    authority::Authority,
    files::FileError,
    options::{MemberSpec, PkiOptions},
    plan::{Kind, Member, Plan, PlanError},
    run::{PkiError, run},
};
