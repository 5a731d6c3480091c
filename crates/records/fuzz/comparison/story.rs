//! Bytes read as deeds of a client and its server.

use rustls::{AlertDescription, ContentType, SupportedCipherSuite};

use super::client::{Client, KEY_UPDATE, suites};

/// One step.
pub(super) enum Deed {
    /// The client sends something. It is read when it is delivered.
    Send(Record),
    /// Both servers read all that was sent, in pieces of at most this size.
    Deliver { piece: usize },
    /// Both servers send this.
    Answer(Vec<u8>),
    /// Both servers announce that they send nothing more.
    Close,
}

/// What a client sends.
pub(super) enum Record {
    Text(usize),
    Alert([u8; 2]),
    /// With the answer that it asks for: 0 or 1, if it keeps to the rules.
    KeyUpdate(u8),
    Renegotiation,
    /// Anything in a record of any type.
    Forged(ContentType, Vec<u8>),
    /// Another record, of which one bit has changed.
    Tampered(Box<Record>),
    /// Another record without its end.
    Truncated(Box<Record>),
    /// Several of one kind.
    Repeated(Vec<Record>),
    /// No record at all.
    Raw(Vec<u8>),
}

pub(super) struct Story<'a> {
    bytes: &'a [u8],
}

impl<'a> Story<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub(super) fn suite(&mut self) -> SupportedCipherSuite {
        let suites = suites();
        suites[usize::from(self.byte()) % suites.len()]
    }

    /// `None` when all is told.
    pub(super) fn next_deed(&mut self) -> Option<Deed> {
        if self.bytes.is_empty() {
            return None;
        }
        Some(match self.byte() % 16 {
            0..=2 => Deed::Deliver { piece: self.length() },
            3 => Deed::Answer(vec![b'a'; self.length()]),
            4 if self.byte() == 0 => Deed::Close,
            _ => Deed::Send(self.record()),
        })
    }

    fn record(&mut self) -> Record {
        match self.byte() % 20 {
            0..=13 => self.single(),
            14 | 15 => Record::Tampered(Box::new(self.single())),
            16 => Record::Truncated(Box::new(self.single())),
            17 | 18 => {
                // The same again and again: there are limits to it.
                let (count, again) = (self.byte() % 40, self.bytes);
                let one = |_| {
                    self.bytes = again;
                    self.single()
                };
                Record::Repeated((0..count).map(one).collect())
            }
            _ => Record::Raw(self.some()),
        }
    }

    fn single(&mut self) -> Record {
        match self.byte() % 14 {
            0..=4 => Record::Text(self.length()),
            5 => Record::Text(0),
            6 => Record::Alert([self.byte(), self.byte()]),
            7 => Record::Alert([1, AlertDescription::UserCanceled.into()]),
            8 => Record::Alert([1, AlertDescription::CloseNotify.into()]),
            9 | 10 => Record::KeyUpdate(self.byte() % 2),
            11 => Record::KeyUpdate(self.byte()),
            12 => Record::Renegotiation,
            _ => Record::Forged(self.byte().into(), self.some()),
        }
    }

    /// What the client sends for it, and whether the record layer may refuse what rustls accepts,
    /// waits for, or refuses in other words.
    pub(super) fn seal(&mut self, record: Record, client: &mut Client) -> (Vec<u8>, bool) {
        let is_tls13 = client.suite.tls13().is_some();
        match record {
            Record::Text(length) => {
                // A record's worth at most.
                (client.seal(ContentType::ApplicationData, &vec![b't'; length]), false)
            }
            Record::Alert(alert) => (client.seal(ContentType::Alert, &alert), false),
            Record::KeyUpdate(answer @ (0 | 1)) if is_tls13 => (client.change_key(answer), false),
            Record::KeyUpdate(answer) => {
                let content = [&KEY_UPDATE[..], &[answer]].concat();
                // TLS 1.2 knows no such message: rustls cannot read it, the record layer does not
                // try.
                (client.seal(ContentType::Handshake, &content), !is_tls13)
            }
            Record::Renegotiation => {
                let hello = client.hello.clone();
                (client.seal(ContentType::Handshake, &hello), false)
            }
            Record::Forged(kind, mut content) => {
                if kind == ContentType::Handshake && !is_tls13 && content.first() == Some(&1) {
                    // rustls looks into a request to renegotiate; the record layer does not.
                    content[0] = 2;
                }
                (client.seal(kind, &content), true)
            }
            Record::Tampered(record) => {
                let (mut sealed, questionable) = self.seal(*record, client);
                let bit = self.length() % (8 * sealed.len()).max(1);
                if let Some(byte) = sealed.get_mut(bit / 8) {
                    *byte ^= 1 << (bit % 8);
                }
                // A header is not protected.
                (sealed, questionable || bit < 8 * 5)
            }
            Record::Truncated(record) => {
                let (mut sealed, _) = self.seal(*record, client);
                sealed.truncate(self.length() % (sealed.len() + 1));
                // What comes next is taken for the rest of it, and what lies behind that for a
                // header.
                (sealed, true)
            }
            Record::Repeated(records) => {
                let sealed: Vec<_> = records.into_iter().map(|one| self.seal(one, client)).collect();
                let questionable = sealed.iter().any(|(_, questionable)| *questionable);
                (sealed.into_iter().flat_map(|(bytes, _)| bytes).collect(), questionable)
            }
            Record::Raw(bytes) => (bytes, true),
        }
    }

    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        *first
    }

    /// Mostly a small number, at most the content of a record.
    fn length(&mut self) -> usize {
        match self.byte() {
            short @ 0..=249 => short.into(),
            _ => usize::from(u16::from_be_bytes([self.byte(), self.byte()])) % (16 * 1024 + 1),
        }
    }

    fn some(&mut self) -> Vec<u8> {
        let length = usize::from(self.byte() % 64).min(self.bytes.len());
        let (some, rest) = self.bytes.split_at(length);
        self.bytes = rest;
        some.to_vec()
    }
}
