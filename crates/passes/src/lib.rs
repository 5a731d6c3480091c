//! Passes: how a help line says who its helpers are.
//!
//! The operator signs a [`Pass`] over a helper's public key. The helper gets a link with a
//! [`Secret`], from which that key is derived. Everybody who chats with a helper sees the pass, so
//! it opens nothing by itself: a server also asks for a [`SessionProof`], and a person who seeks
//! help for a [`Credential`]. A [`Revocations`] list, signed with the same key, takes passes back.
//!
//! Nothing here knows the network or a clock: times are arguments.

mod credential;
mod door;
mod jws;
pub mod keys;
mod link;
mod pass;
mod proof;
mod revocations;

pub use self::{
    credential::{Credential, CredentialError, TRANSCRIPT_BYTES},
    door::{Door, Listed, PASSES, PROOFS_PER_PASS, Refused},
    keys::{PassKey, PassKeys},
    link::{Link, LinkError, Secret},
    pass::{Believed, LONGEST_LIFE, PASS_BYTES, Pass, PassError, PassId, SignError, TOPICS},
    proof::{HOST_BYTES, PROOF_BYTES, PROOF_LIFE, ProofError, SessionProof},
    revocations::{LIST_BYTES, ListError, REVOKED, Revocations},
};
