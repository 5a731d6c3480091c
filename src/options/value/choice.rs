//! One of a few words, or some of them.

use gateway::config::{Hsts, Matching};
use pairing::FairBy;
use schemas::Service;

use super::{Repeat, Show, Value, Wrong, each};
use crate::telemetry::LogFormat;

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// `true`
    On,
    /// `false`
    Off,
}

impl Value for Switch {
    const FORM: &'static str = "true|false";
    const ALONE: Option<&'static str> = Some("true");

    fn parse(text: &str) -> Result<Self, Wrong> {
        match text {
            "true" => Ok(Self::On),
            "false" => Ok(Self::Off),
            _ => Err(format!("{text:?} is neither true nor false").into()),
        }
    }
}

impl Show for Switch {
    fn show(&self) -> String {
        match self {
            Self::On => "true",
            Self::Off => "false",
        }
        .to_owned()
    }
}

impl Value for Hsts {
    const FORM: &'static str = "off|host|subdomains";

    fn parse(text: &str) -> Result<Self, Wrong> {
        match text {
            "off" => Ok(Self::Off),
            "host" => Ok(Self::Host),
            "subdomains" => Ok(Self::Subdomains),
            _ => Err(format!("{text:?} is none of off, host and subdomains").into()),
        }
    }
}

impl Show for Hsts {
    fn show(&self) -> String {
        match self {
            Self::Off => "off",
            Self::Host => "host",
            Self::Subdomains => "subdomains",
        }
        .to_owned()
    }
}

impl Value for LogFormat {
    const FORM: &'static str = "text|json";

    fn parse(text: &str) -> Result<Self, Wrong> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("{text:?} is not a log format: choose text or json").into()),
        }
    }
}

impl Show for LogFormat {
    fn show(&self) -> String {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
        .to_owned()
    }
}

impl Value for FairBy {
    const FORM: &'static str = "origin|age";

    fn parse(text: &str) -> Result<Self, Wrong> {
        match text {
            "origin" => Ok(Self::Origin),
            "age" => Ok(Self::Age),
            _ => Err(format!("{text:?} is no order of turns: choose origin or age").into()),
        }
    }
}

impl Show for FairBy {
    fn show(&self) -> String {
        match self {
            Self::Origin => "origin",
            Self::Age => "age",
        }
        .to_owned()
    }
}

impl Value for Vec<Service> {
    const FORM: &'static str = "pairing,janitor";
    const REPEAT: Repeat = Repeat::List;

    fn parse(text: &str) -> Result<Self, Wrong> {
        each(text, |item| match item {
            "pairing" => Ok(Service::Pairing),
            "janitor" => Ok(Service::Janitor),
            _ => Err(format!("{item:?} is not a role that a gateway needs: choose pairing, janitor or both")),
        })
    }
}

impl Value for Matching {
    const FORM: &'static str = "random,invite";
    const REPEAT: Repeat = Repeat::List;

    fn parse(text: &str) -> Result<Self, Wrong> {
        let known = |item: &str| match item {
            "random" | "invite" => Ok(item.to_owned()),
            _ => Err(format!("{item:?} is not a way to meet: choose random, invite or both")),
        };
        let ways = each(text, known)?;
        let offers = |way: &str| ways.iter().any(|item| item == way);
        Ok(Self { random: offers("random"), invite: offers("invite") })
    }
}

impl Show for Matching {
    fn show(&self) -> String {
        let ways = [(self.random, "random"), (self.invite, "invite")];
        ways.into_iter().filter_map(|(offered, way)| offered.then_some(way)).collect::<Vec<_>>().join(",")
    }
}
