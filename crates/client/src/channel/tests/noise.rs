//! Our primitives under snow give the published vectors of the two Noise protocols (cacophony's
//! set).

use snow::Builder;

use super::*;
use crate::channel::crypto::Resolver;

const PROLOGUE: &str = "4a6f686e2047616c74";
const PSK: &str = "54686973206973206d7920417573747269616e20706572737065637469766521";
const EPHEMERAL_A: &str = "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a";
const EPHEMERAL_B: &str = "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b";
const PAYLOADS: [&str; 4] = [
    "4c756477696720766f6e204d69736573",
    "4d757272617920526f746862617264",
    "462e20412e20486179656b",
    "4361726c204d656e676572",
];

#[test]
fn snow_with_our_primitives_gives_the_published_nn() {
    let ciphertexts = [
        "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c79444c756477696720766f6e204d69736573",
        "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843934ff73eebb9d930ebf62b8e4db8133ca936872b5551efd7c9989c646d8cf0",
        "8d372b94914e80018211a344b8b1c5a2869492a0db46990c0362f3",
        "e183b0abd55550f9955fb05476d988c6f27628d7bbde111c39ccbc",
    ];
    let hash = "6301958d25cd7d1ffe6ad7d0ca2ad284b4e478d9acd9198f7750432d225043d0";
    check("Noise_NN_25519_AESGCM_SHA256", None, &ciphertexts, hash);
}

#[test]
fn snow_with_our_primitives_gives_the_published_nnpsk0() {
    let ciphertexts = [
        "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c79447c37a89fc17813788d30df2d59501d6066f5f8aecc3406bbd9829f2d24a531b1",
        "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f1448088432f29d79368ef9de4e1ae7a362fb05bf0ad668e026bf5714554497b3a720461",
        "7c01e898a6201f36aecee532e29cd0b7f8ffa29d3366ad0dce39a6",
        "a9ff535aace3db6a1da1a7fb00fe2de2622bb373abad9fb42c00e0",
    ];
    let hash = "9f3b1f9afd7767767b5b9d1069844a6154fdbdcc36dfb3e31c0fffc5c973d530";
    let psk = unhex(PSK).try_into().unwrap();
    check("Noise_NNpsk0_25519_AESGCM_SHA256", Some(psk), &ciphertexts, hash);
}

fn check(name: &str, psk: Option<[u8; 32]>, ciphertexts: &[&str; 4], hash: &str) {
    let prologue = unhex(PROLOGUE);
    let builder = |ephemeral: &str| {
        let ephemeral: [u8; 32] = unhex(ephemeral).try_into().unwrap();
        let resolver = Resolver { ephemeral: Box::new(zeroize::Zeroizing::new(ephemeral)) };
        let builder =
            Builder::with_resolver(name.parse().unwrap(), Box::new(resolver)).prologue(&prologue).unwrap();
        match &psk {
            Some(psk) => builder.psk(0, psk).unwrap(),
            None => builder,
        }
    };
    let mut a = builder(EPHEMERAL_A).build_initiator().unwrap();
    let mut b = builder(EPHEMERAL_B).build_responder().unwrap();
    let mut buffer = [0; 256];
    let mut opened = [0; 256];

    let len = a.write_message(&unhex(PAYLOADS[0]), &mut buffer).unwrap();
    assert_eq!(hex(&buffer[..len]), ciphertexts[0]);
    b.read_message(&buffer[..len], &mut opened).unwrap();
    let len = b.write_message(&unhex(PAYLOADS[1]), &mut buffer).unwrap();
    assert_eq!(hex(&buffer[..len]), ciphertexts[1]);
    a.read_message(&buffer[..len], &mut opened).unwrap();
    assert_eq!(
        (hex(a.get_handshake_hash()), hex(b.get_handshake_hash())),
        (hash.to_owned(), hash.to_owned())
    );

    let (a, b) = (a.into_stateless_transport_mode().unwrap(), b.into_stateless_transport_mode().unwrap());
    for (from, to, index) in [(&a, &b, 2), (&b, &a, 3)] {
        let len = from.write_message(0, &unhex(PAYLOADS[index]), &mut buffer).unwrap();
        assert_eq!(hex(&buffer[..len]), ciphertexts[index]);
        let len = to.read_message(0, &buffer[..len], &mut opened).unwrap();
        assert_eq!(hex(&opened[..len]), PAYLOADS[index]);
    }
}
