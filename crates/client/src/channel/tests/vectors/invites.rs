//! Invites as links, as codes and as words.

use super::*;
use crate::invite::{Invite, InviteLink, LinkError};

#[test]
fn invite_vectors_hold() {
    let secrets: [[u8; 16]; 3] = [[0; 16], [0xff; 16], room()];
    let cases = secrets.map(|secret| {
        let invite = Invite::from_secret(secret);
        let (code, psk) = (invite.code(), hex(&invite.psk().0[..]));
        let words = invite.words().to_string();
        let link = InviteLink { origin: "https://chat.example".to_owned(), invite }.to_string();
        json!({ "secret": hex(&secret), "link": link, "words": words, "code": code, "psk": psk })
    });
    let refused = [
        "https://chat.example/",
        "https://chat.example/#",
        "https://chat.example/#AAECAwQFBgcICQoLDA0OD",
        "https://chat.example/#AAECAwQFBgcICQoLDA0ODx",
        "https://chat.example/#AAECAwQFBgcICQoLDA0ODw=",
        "https://chat.example/#AAECAwQFBgcICQoLDA0O+/",
        "https://chat.example/room#AAECAwQFBgcICQoLDA0ODw",
        "https://user@chat.example/#AAECAwQFBgcICQoLDA0ODw",
        "ftp://chat.example/#AAECAwQFBgcICQoLDA0ODw",
    ];
    assert!(refused.iter().all(|link| InviteLink::parse(link).is_err()));
    let vectors = json!({
        "cases": cases,
        "accepted_links": accepted_links(),
        "refused_links": refused,
        "accepted_words": accepted_words(),
        "refused_words": refused_words(),
    });
    check("invite.json", &vectors);
}

/// Links as people paste them, all with the secret 00…0f.
fn accepted_links() -> Vec<String> {
    let link = "https://chat.example/#AAECAwQFBgcICQoLDA0ODw";
    let around = [
        ("", "."),
        ("", ")"),
        ("(", ")."),
        ("<", ">"),
        ("“", "”"),
        (" ", "\r\n"),
        ("", "%20"),
        ("", "\u{200b}"),
        ("", "%E2%80%8B"),
        ("", "。"),
        ("", "?!"),
    ];
    let links: Vec<_> = around.iter().map(|(before, after)| format!("{before}{link}{after}")).collect();
    for pasted in &links {
        assert_eq!(InviteLink::parse(pasted).unwrap().to_string(), link);
    }
    links
}

/// Words as people write them, all with the secret 00…0f.
fn accepted_words() -> [&'static str; 4] {
    let forms = [
        "abandon amount liar amount expire adjust cage candy arch gather drum buyer",
        "  Abandon, Amount, Liar, Amount, Expire, Adjust, Cage, Candy, Arch, Gather, Drum, Buyer.  ",
        "ABAN AMOU LIAR AMOU EXPI ADJU CAGE CAND ARCH GATH DRUM BUYE",
        "1. abandon\n2. amount\n3. liar\n4. amount\n5. expire\n6. adjust\n7. cage\n8. candy\n9. arch\n10. gather\n11. drum\n12. buyer",
    ];
    assert!(forms.iter().all(|form| Invite::from_words(form) == Ok(Invite::from_secret(room()))));
    forms
}

/// Words that are no invite, and why.
fn refused_words() -> Vec<Value> {
    let forms = [
        ("", LinkError::WordCount(0)),
        ("abandon amount liar amount expire adjust cage candy arch gather drum", LinkError::WordCount(11)),
        (
            "abandon amount liar amount expire adjust cage candy arch gather drum buyer buyer",
            LinkError::WordCount(13),
        ),
        (
            "abandon amount lyre amount expire adjust cage candy arch gather drum buyer",
            LinkError::UnknownWord(3),
        ),
        ("aba amount liar amount expire adjust cage candy arch gather drum buyer", LinkError::UnknownWord(1)),
        ("amount abandon liar amount expire adjust cage candy arch gather drum buyer", LinkError::Checksum),
        ("abandon amount liar amount expire adjust cage candy arch gather drum zoo", LinkError::Checksum),
    ];
    let told = forms.map(|(words, fault)| {
        assert_eq!(Invite::from_words(words), Err(fault), "{words}");
        let (fault, number) = match fault {
            LinkError::WordCount(count) => ("count", Some(count)),
            LinkError::UnknownWord(number) => ("unknown", Some(number)),
            _ => ("checksum", None),
        };
        json!({ "words": words, "fault": fault, "number": number })
    });
    told.into()
}
