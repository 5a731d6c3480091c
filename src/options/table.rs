//! The one table of options. Flags, environment variables, checks, `--help` and `docs/options.md`
//! all come from it.
//!
//! To add an option, add a row to [`node`] or [`service`] and read it in
//! [`configuration`](super::configuration); the tests report what is missing.

use std::sync::LazyLock;

pub use self::{node::*, service::*};
use super::{faults::Place, role::Role, spec::Row};

const GATEWAYS: &[Role] = &[Role::Serve, Role::Gateway];

/// Defines each row as a static of its value's type, and the list of these rows. A row without one
/// of the fields does not compile.
macro_rules! table {
    ($($id:ident: $type:ty {
        name: $name:literal, group: $group:ident, roles: $roles:expr,
        $kind:ident: $value:expr, example: $example:literal, $(required_by: $required:expr,)?
        help: $help:literal,
    })*) => {
        $(row! {
            $kind $id: $type = $value, [$($required)?], Spec {
                name: $name,
                group: Group::$group,
                roles: $roles,
                example: $example,
                help: $help,
            }
        })*

        /// The rows of this file, in the order in which they are shown below their headings.
        pub(super) static ROWS: &[&dyn Row] = &[$(&$id),*];
    };
}

macro_rules! row {
    (default $id:ident: $type:ty = $value:expr, [], $spec:expr) => {
        pub static $id: Setting<$type> = Setting { spec: $spec, default: $value };
    };
    (without $id:ident: $type:ty = $value:expr, [], $spec:expr) => {
        row! { without $id: $type = $value, [&[]], $spec }
    };
    (without $id:ident: $type:ty = $value:expr, [$required:expr], $spec:expr) => {
        pub static $id: Optional<$type> =
            Optional { spec: $spec, without: $value, required_by: $required, kind: PhantomData };
    };
}

// After the macros, which they use.
mod node;
mod service;

/// All options, in the order in which they are shown.
pub static TABLE: LazyLock<Vec<&dyn Row>> = LazyLock::new(|| {
    let mut rows = [node::ROWS, service::ROWS].concat();
    rows.sort_by_key(|row| row.spec().group);
    rows
});

/// Where the faults of an option are shown.
pub fn place(row: &dyn Row) -> Place {
    let number = TABLE.iter().position(|other| other.spec().name == row.spec().name);
    Place::Option(number.unwrap_or(TABLE.len()))
}
