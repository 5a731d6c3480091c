//! Reads a query: recursive descent, from what binds least to what binds most.

use super::{
    Aggregation, Answer, AnyText, Comparison, Function, Grouping, Matcher, Matching, Operator, Query,
    Selector,
    lexer::{Token, tokens},
};

/// How deep queries may be nested.
const DEPTH: usize = 32;

pub(super) fn parse(text: &str) -> Result<Query, String> {
    let mut parser = Parser { tokens: tokens(text)?.into_iter().peekable(), depth: 0 };
    let query = parser.alternatives()?;
    match parser.tokens.next() {
        None => Ok(query),
        Some(token) => Err(format!("{token:?} is too much")),
    }
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    depth: usize,
}

type Parsed = Result<Query, String>;

impl Parser {
    fn alternatives(&mut self) -> Parsed {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err("too much is nested".to_owned());
        }
        let mut left = self.both()?;
        while self.takes_word("or") {
            left = self.combined(left, Operator::Or, Self::both)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn both(&mut self) -> Parsed {
        let mut left = self.compared()?;
        loop {
            let operator = if self.takes_word("and") {
                Operator::And
            } else if self.takes_word("unless") {
                Operator::Unless
            } else {
                return Ok(left);
            };
            left = self.combined(left, operator, Self::compared)?;
        }
    }

    fn compared(&mut self) -> Parsed {
        const SIGNS: [(&str, Comparison); 6] = [
            ("==", Comparison::Equal),
            ("!=", Comparison::Different),
            ("<=", Comparison::AtMost),
            (">=", Comparison::AtLeast),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        let mut left = self.sum()?;
        while let Some((_, comparison)) = SIGNS.into_iter().find(|(sign, _)| self.takes(sign)) {
            let answer = if self.takes_word("bool") { Answer::Bool } else { Answer::Filter };
            left = self.combined(left, Operator::Compare(comparison, answer), Self::sum)?;
        }
        Ok(left)
    }

    fn sum(&mut self) -> Parsed {
        let mut left = self.product()?;
        loop {
            let operator = if self.takes("+") {
                Operator::Add
            } else if self.takes("-") {
                Operator::Subtract
            } else {
                return Ok(left);
            };
            left = self.combined(left, operator, Self::product)?;
        }
    }

    fn product(&mut self) -> Parsed {
        let mut left = self.unary()?;
        loop {
            let operator = if self.takes("*") {
                Operator::Multiply
            } else if self.takes("/") {
                Operator::Divide
            } else {
                return Ok(left);
            };
            left = self.combined(left, operator, Self::unary)?;
        }
    }

    fn combined(&mut self, left: Query, operator: Operator, next: fn(&mut Self) -> Parsed) -> Parsed {
        let matching = if self.takes_word("on") {
            Matching::On(self.labels()?)
        } else if self.takes_word("ignoring") {
            Matching::Ignoring(self.labels()?)
        } else {
            Matching::Ignoring(Vec::new())
        };
        Ok(Query::Binary(Box::new(left), operator, matching, Box::new(next(self)?)))
    }

    fn unary(&mut self) -> Parsed {
        if self.takes("-") {
            return Ok(Query::Minus(Box::new(self.single()?)));
        }
        self.single()
    }

    fn single(&mut self) -> Parsed {
        match self.tokens.next() {
            Some(Token::Number(number)) => Ok(Query::Number(number)),
            Some(Token::Sign("(")) => {
                let inner = self.alternatives()?;
                self.needs(")")?;
                Ok(inner)
            }
            Some(Token::Word(word)) => self.named(word),
            Some(token) => Err(format!("{token:?} is out of place")),
            None => Err("something is missing".to_owned()),
        }
    }

    fn named(&mut self, word: String) -> Parsed {
        if let Some(aggregation) = Aggregation::from_word(&word) {
            return self.aggregated(aggregation);
        }
        if !self.takes("(") {
            return self.selected(word);
        }
        let function = Function::from_word(&word).ok_or_else(|| format!("{word}() is unknown"))?;
        let mut arguments = Vec::new();
        if !self.takes(")") {
            arguments.push(self.alternatives()?);
            while self.takes(",") {
                arguments.push(self.alternatives()?);
            }
            self.needs(")")?;
        }
        if arguments.len() != function.arguments() {
            return Err(format!("{word}() has {} arguments", arguments.len()));
        }
        let is_window = |query: &Query| matches!(query, Query::Series(Selector { window: Some(_), .. }));
        if arguments.iter().any(is_window) != function.needs_window() {
            return Err(format!("{word}() of another kind of series"));
        }
        Ok(Query::Call(function, arguments))
    }

    fn aggregated(&mut self, aggregation: Aggregation) -> Parsed {
        let before = self.grouping()?;
        self.needs("(")?;
        let inner = self.alternatives()?;
        self.needs(")")?;
        let grouping = match before {
            Some(grouping) => grouping,
            None => self.grouping()?.unwrap_or(Grouping::By(Vec::new())),
        };
        Ok(Query::Aggregate(aggregation, grouping, Box::new(inner)))
    }

    fn grouping(&mut self) -> Result<Option<Grouping>, String> {
        if self.takes_word("by") {
            return Ok(Some(Grouping::By(self.labels()?)));
        }
        if self.takes_word("without") {
            return Ok(Some(Grouping::Without(self.labels()?)));
        }
        Ok(None)
    }

    fn labels(&mut self) -> Result<Vec<String>, String> {
        self.needs("(")?;
        let mut labels = Vec::new();
        while !self.takes(")") {
            labels.push(self.word()?);
            self.takes(",");
        }
        Ok(labels)
    }

    fn selected(&mut self, name: String) -> Parsed {
        let mut matchers = Vec::new();
        if self.takes("{") {
            while !self.takes("}") {
                matchers.push(self.matcher()?);
                self.takes(",");
            }
        }
        let window = match self.tokens.peek() {
            Some(Token::Window(window)) => Some(*window),
            _ => None,
        };
        if window.is_some() {
            self.tokens.next();
        }
        Ok(Query::Series(Selector { name, matchers, window }))
    }

    fn matcher(&mut self) -> Result<Matcher, String> {
        let label = self.word()?;
        let signs = ["=", "!=", "=~", "!~"];
        let sign = signs.into_iter().find(|sign| self.takes(sign)).ok_or("a label needs a sign")?;
        let Some(Token::Text(text)) = self.tokens.next() else { return Err(format!("{label} of what?")) };
        let values = match (sign.ends_with('~'), text.as_str()) {
            (true, ".*") => Err(AnyText::OrNone),
            (true, ".+") => Err(AnyText::ButNone),
            (true, pattern) => {
                let is_plain = |c: char| c.is_alphanumeric() || " -_/|".contains(c);
                if !pattern.chars().all(is_plain) {
                    return Err(format!("the pattern {pattern:?} is unknown"));
                }
                Ok(pattern.split('|').map(str::to_owned).collect())
            }
            (false, text) => Ok(vec![text.to_owned()]),
        };
        Ok(Matcher { label, values, negated: sign.starts_with('!') })
    }

    fn word(&mut self) -> Result<String, String> {
        match self.tokens.next() {
            Some(Token::Word(word)) => Ok(word),
            other => Err(format!("{other:?} instead of a name")),
        }
    }

    fn needs(&mut self, sign: &str) -> Result<(), String> {
        if self.takes(sign) { Ok(()) } else { Err(format!("'{sign}' is missing")) }
    }

    fn takes(&mut self, sign: &str) -> bool {
        self.tokens.next_if(|token| matches!(token, Token::Sign(found) if *found == sign)).is_some()
    }

    fn takes_word(&mut self, word: &str) -> bool {
        self.tokens.next_if(|token| matches!(token, Token::Word(found) if found == word)).is_some()
    }
}

impl Aggregation {
    fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "sum" => Self::Sum,
            "count" => Self::Count,
            "min" => Self::Min,
            "max" => Self::Max,
            "avg" => Self::Avg,
            _ => return None,
        })
    }
}

impl Function {
    fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "rate" => Self::Rate,
            "increase" => Self::Increase,
            "changes" => Self::Changes,
            "abs" => Self::Abs,
            "vector" => Self::Vector,
            "time" => Self::Time,
            "histogram_quantile" => Self::HistogramQuantile,
            "clamp_min" => Self::ClampMin,
            "max_over_time" => Self::MaxOverTime,
            "min_over_time" => Self::MinOverTime,
            "absent" => Self::Absent,
            _ => return None,
        })
    }

    fn arguments(self) -> usize {
        match self {
            Self::Time => 0,
            Self::HistogramQuantile | Self::ClampMin => 2,
            _ => 1,
        }
    }

    fn needs_window(self) -> bool {
        matches!(self, Self::Rate | Self::Increase | Self::Changes | Self::MaxOverTime | Self::MinOverTime)
    }
}
