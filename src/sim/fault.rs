//! Misbehaviour on order: what should go wrong, where, and how often.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::handle::Refused;

/// An order for misbehaviour. Orders for one endpoint are carried out one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Order")]
pub struct Fault {
    endpoint: String,
    trouble: Trouble,
    skip: u32,
    count: u32,
    deliver: bool,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The reply is `{"retcode":N,"errmsg":…}`.
    Retcode(i64),
    /// The reply is an HTTP error of this status, as from the server in front.
    Http(u16),
    /// The work is done, then the connection is cut without a byte of reply.
    Drop,
    /// The connection is cut and nothing is done.
    DropBefore,
    /// Everything happens later.
    Delay(Duration),
    /// The work is done, but the connection is cut after so many bytes of the body; half of it when not said.
    Truncate(Option<usize>),
    /// The reply is `ptuiCB('N',…)`, as the login servers refuse somebody.
    Ptui(u32),
    /// The reply is this body with status 200.
    Body(String),
    /// The reply is a redirect to this address.
    Redirect(String),
    /// poll2 gives out a new ptwebqq by retcode 116.
    Rotate,
    /// poll2 answers well, and its events come again with the next poll.
    Repeat,
}

impl Fault {
    /// `trouble`, once, at the next call of `endpoint` (the last part of its path, or `*` for every call).
    #[must_use]
    pub fn new(endpoint: impl Into<String>, trouble: Trouble) -> Self {
        Self { endpoint: endpoint.into(), trouble, skip: 0, count: 1, deliver: false }
    }

    /// At `count` calls in a row.
    #[must_use]
    pub const fn times(mut self, count: u32) -> Self {
        self.count = count;
        self
    }

    /// Only after `skip` calls that go well.
    #[must_use]
    pub const fn after(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    /// The work is done before the reply is spoilt, as far as the trouble leaves that open.
    #[must_use]
    pub const fn delivering(mut self) -> Self {
        self.deliver = true;
        self
    }
}

/// The same in JSON or YAML.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    endpoint: String,
    kind: String,
    #[serde(default)]
    value: Value,
    #[serde(default = "once")]
    count: u32,
    #[serde(default)]
    skip: u32,
    #[serde(default)]
    deliver: bool,
}

const fn once() -> u32 {
    1
}

impl TryFrom<Order> for Fault {
    type Error = Refused;

    fn try_from(order: Order) -> Result<Self, Refused> {
        let wrong = |need: &str| Refused::BadFault(format!("{} needs {need} as its value", order.kind));
        let milliseconds = || order.value.as_u64().ok_or_else(|| wrong("milliseconds"));
        let trouble = match order.kind.as_str() {
            "retcode" => Trouble::Retcode(order.value.as_i64().ok_or_else(|| wrong("a number"))?),
            "http" => Trouble::Http(http_status(&order.value).ok_or_else(|| wrong("a status from 200 to 599"))?),
            "drop" => Trouble::Drop,
            "drop_before" => Trouble::DropBefore,
            "delay" => Trouble::Delay(Duration::from_millis(milliseconds()?)),
            "truncate" => Trouble::Truncate(order.value.as_u64().and_then(|bytes| usize::try_from(bytes).ok())),
            "body" => Trouble::Body(order.value.as_str().ok_or_else(|| wrong("a text"))?.to_owned()),
            "redirect" => Trouble::Redirect(order.value.as_str().ok_or_else(|| wrong("an address"))?.to_owned()),
            "ptui" => Trouble::Ptui(code(&order.value).ok_or_else(|| wrong("a code"))?),
            "rotate" => Trouble::Rotate,
            "repeat" => Trouble::Repeat,
            other => return Err(Refused::BadFault(format!("there is no kind {other:?}"))),
        };
        let Order { endpoint, count, skip, deliver, .. } = order;
        Ok(Self { endpoint, trouble, skip, count, deliver })
    }
}

fn code(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|code| u32::try_from(code).ok())
}

fn http_status(value: &Value) -> Option<u16> {
    value.as_u64().and_then(|status| u16::try_from(status).ok()).filter(|status| (200..600).contains(status))
}

/// The orders that are not carried out yet.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    orders: Vec<Fault>,
}

/// What a call has to suffer.
#[derive(Clone, Debug)]
pub(crate) struct Suffering {
    pub(crate) trouble: Trouble,
    pub(crate) deliver: bool,
}

impl Faults {
    pub(crate) fn order(&mut self, fault: Fault) {
        self.orders.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.orders.clear();
    }

    /// What the next call of `endpoint` has to suffer; counts it.
    pub(crate) fn next(&mut self, endpoint: &str) -> Option<Suffering> {
        self.orders.retain(|order| order.count > 0);
        let order = self.orders.iter_mut().find(|order| order.endpoint == endpoint || order.endpoint == "*")?;
        if order.skip > 0 {
            order.skip -= 1;
            return None;
        }
        order.count -= 1;
        Some(Suffering { trouble: order.trouble.clone(), deliver: order.deliver })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fault(order: Value) -> Result<Fault, serde_json::Error> {
        serde_json::from_value(order)
    }

    #[test]
    fn orders_are_read_from_json() {
        for (kind, value, trouble) in [
            ("retcode", json!(1202), Trouble::Retcode(1202)),
            ("http", json!(502), Trouble::Http(502)),
            ("drop", json!(null), Trouble::Drop),
            ("drop_before", json!(null), Trouble::DropBefore),
            ("delay", json!(5), Trouble::Delay(Duration::from_millis(5))),
            ("truncate", json!(null), Trouble::Truncate(None)),
            ("truncate", json!(9), Trouble::Truncate(Some(9))),
            ("body", json!("{"), Trouble::Body("{".to_owned())),
            ("redirect", json!("http://127.0.0.1/"), Trouble::Redirect("http://127.0.0.1/".to_owned())),
            ("ptui", json!(3), Trouble::Ptui(3)),
            ("rotate", json!(null), Trouble::Rotate),
            ("repeat", json!(null), Trouble::Repeat),
        ] {
            let read = fault(json!({"endpoint": "poll2", "kind": kind, "value": value, "count": 2})).unwrap();
            assert_eq!(read, Fault::new("poll2", trouble).times(2));
        }
        for (kind, value) in [("retcode", json!("x")), ("http", json!(99)), ("delay", json!(null)), ("fire", json!(1))]
        {
            assert!(fault(json!({"endpoint": "poll2", "kind": kind, "value": value})).is_err(), "{kind}");
        }
    }

    #[test]
    fn an_order_is_carried_out_as_often_as_it_says() {
        let mut faults = Faults::default();
        faults.order(Fault::new("poll2", Trouble::Drop).after(1).times(2));
        faults.order(Fault::new("*", Trouble::Http(502)));
        let mut hits = |endpoint| faults.next(endpoint).map(|suffering| suffering.trouble);
        assert_eq!([hits("poll2"), hits("poll2")], [None, Some(Trouble::Drop)]);
        assert_eq!(hits("login2"), Some(Trouble::Http(502)));
        assert_eq!([hits("poll2"), hits("poll2"), hits("login2")], [Some(Trouble::Drop), None, None]);
    }
}
