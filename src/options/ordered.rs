//! The operator's orders that are there from the start.

use schemas::{order::SignedOrder, orders::OrderKey};

use super::{
    reader::Reader,
    table::{ORDER_KEY, ORDERS},
};

/// By which key orders are judged, and which are there from the start.
#[derive(Clone, Debug, Default)]
pub struct OperatorOrders {
    /// The public half of the operator's key. Without it no order is taken.
    pub key: Option<OrderKey>,
    /// All are signed with the key. Some may be over.
    pub signed: Vec<SignedOrder>,
}

pub(super) fn operator_orders(reader: &mut Reader) -> OperatorOrders {
    let (key, file) = (reader.find(&ORDER_KEY), reader.find(&ORDERS));
    if file.is_some() && !reader.is_given(&ORDER_KEY) {
        reader.wrong(&ORDERS, "it needs --order-key, by which the orders are judged");
    }
    let key = key.and_then(|path| match orders::files::public_key(&path) {
        Ok(key) => Some(key),
        Err(fault) => {
            reader.wrong(&ORDER_KEY, &format!("{}: {fault}", path.display()));
            None
        }
    });
    let signed = match (&key, file) {
        (Some(key), Some(path)) => orders::files::signed_orders(&path, key).unwrap_or_else(|fault| {
            reader.wrong(&ORDERS, &format!("{}: {fault}", path.display()));
            Vec::new()
        }),
        _ => Vec::new(),
    };
    OperatorOrders { key, signed }
}
