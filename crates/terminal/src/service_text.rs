//! What the operator has ordered for the service as a whole, in words.

use schemas::{
    control::{ServiceState, Strangers},
    text,
};

/// A sentence for each thing that is not as usual, and one if all is.
pub(crate) fn service(state: &ServiceState) -> Vec<String> {
    let ServiceState { strangers, closed, notice } = state;
    let mut said = Vec::new();
    if let Some(reason) = closed {
        said.push(with("No new chats are taken at the moment; those under way go on.", reason));
    }
    match strangers {
        Strangers::Meet => {}
        Strangers::Paused => {
            said.push("Strangers are not matched for a moment; whoever waits keeps the place.".to_owned());
        }
        Strangers::NotOffered => said.push("Only people with an invite meet at the moment.".to_owned()),
    }
    if let Some(notice) = notice {
        said.push(with("From those who run this service:", notice));
    }
    if said.is_empty() {
        said.push("The service is as usual again.".to_owned());
    }
    said
}

/// The operator's own words after ours, in one line.
fn with(ours: &str, own: &str) -> String {
    let own = text::shown(own).replace('\n', " ");
    if own.is_empty() { ours.to_owned() } else { format!("{ours} {own}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_as_usual_is_said_and_nothing_of_it_controls_a_terminal() {
        assert_eq!(service(&ServiceState::default()), ["The service is as usual again."]);
        let state = ServiceState {
            strangers: Strangers::Paused,
            closed: Some(String::new()),
            notice: Some("two\nlines\u{1b}[2J".into()),
        };
        let said = service(&state);
        assert_eq!(said.len(), 3);
        assert!(said[0].ends_with("go on."), "{said:?}");
        assert_eq!(said[2], "From those who run this service: two lines\u{fffd}[2J");
    }
}
