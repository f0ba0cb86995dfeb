//! Pages of a listing: ListObjectsV2's XML, keys in the form of URLs.
//!
//! XML cannot hold most control characters and has its own mind about line ends, so
//! keys are asked for percent-encoded; whether a store does so it says itself. There
//! is no page that is taken for an empty one: any web server says 200 to much.

use percent_encoding::percent_decode_str;
use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;

use super::etag;
use crate::store::Object;

/// A page, and where the next one begins.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) objects: Vec<Object>,
    pub(super) next: Next,
}

/// Where a listing goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Next {
    /// Nowhere.
    #[default]
    End,
    /// Where this token leads.
    Token(String),
    /// After this key: some stores say that there is more and give no token.
    After(String),
}

/// What is wrong with a page, without what the store wrote.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadPage {
    #[error("a page of its listing breaks off or is no XML")]
    NoXml,
    #[error("a page of its listing has an object without {0}")]
    Without(&'static str),
    #[error("a page of its listing has a key that is not UTF-8")]
    NotUtf8,
    #[error("it says that its listing goes on, and not where")]
    NoNext,
}

/// What is told of one object, as it is written.
#[derive(Default)]
struct Told {
    key: Option<String>,
    size: Option<String>,
    etag: Option<String>,
    modified: Option<String>,
}

/// Reads a page whose root is `ListBucketResult`.
pub(super) fn read(xml: &str) -> Result<Page, BadPage> {
    let mut reader = Reader::from_str(xml);
    let mut path: Vec<String> = Vec::new();
    let mut text = String::new();
    let mut told = Told::default();
    let (mut all, mut more, mut token, mut encoded) = (Vec::new(), false, None, false);
    loop {
        match reader.read_event().map_err(|_| BadPage::NoXml)? {
            Event::Start(start) => {
                path.push(start.local_name().as_ref().to_owned());
                text.clear();
            }
            Event::Text(piece) => text.push_str(&piece),
            Event::CData(piece) => text.push_str(&piece),
            Event::GeneralRef(reference) => {
                if let Ok(Some(character)) = reference.resolve_char_ref() {
                    text.push(character);
                } else {
                    text.push_str(resolve_predefined_entity(&reference).ok_or(BadPage::NoXml)?);
                }
            }
            Event::End(_) => {
                let names: Vec<&str> = path.iter().skip(1).map(String::as_str).collect();
                let value = || Some(text.clone());
                match names.as_slice() {
                    ["Contents", "Key"] => told.key = value(),
                    ["Contents", "Size"] => told.size = value(),
                    ["Contents", "ETag"] => told.etag = value(),
                    ["Contents", "LastModified"] => told.modified = value(),
                    ["Contents"] => all.push(std::mem::take(&mut told)),
                    ["IsTruncated"] => more = text.trim() == "true",
                    ["NextContinuationToken"] => token = value(),
                    ["EncodingType"] => encoded = text.trim().eq_ignore_ascii_case("url"),
                    _ => {}
                }
                path.pop();
                text.clear();
            }
            Event::Eof if path.is_empty() => break,
            Event::Eof => return Err(BadPage::NoXml),
            Event::Empty(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_) => {}
        }
    }
    let objects: Vec<Object> =
        all.into_iter().map(|told| object(told, encoded)).collect::<Result<_, _>>()?;
    let next = match (more, token.filter(|token| !token.is_empty()), objects.last()) {
        (false, ..) => Next::End,
        (true, Some(token), _) => Next::Token(token),
        (true, None, Some(last)) => Next::After(last.key.clone()),
        (true, None, None) => return Err(BadPage::NoNext),
    };
    Ok(Page { objects, next })
}

fn object(told: Told, encoded: bool) -> Result<Object, BadPage> {
    let key = told.key.ok_or(BadPage::Without("a key"))?;
    let size = told.size.ok_or(BadPage::Without("a size"))?;
    Ok(Object {
        key: if encoded { decoded(&key)? } else { key },
        size: size.trim().parse().map_err(|_| BadPage::Without("a size"))?,
        etag: told.etag.as_deref().and_then(etag::quoted),
        modified: told.modified.map(|at| at.trim().to_owned()).filter(|at| !at.is_empty()),
    })
}

/// A key in the form of a URL's query, where a space is a `+`.
fn decoded(key: &str) -> Result<String, BadPage> {
    let spaced = key.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().map_err(|_| BadPage::NotUtf8)?;
    Ok(decoded.into_owned())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_any_make_is_read() {
        let page = read(
            "<?xml version=\"1.0\"?>\n<s3:ListBucketResult xmlns:s3=\"x\"><Name>b</Name>\n\
             <EncodingType>url</EncodingType><KeyCount>2</KeyCount><IsTruncated>true</IsTruncated>\
             <Contents><Key>a+b%2B%0A/%C3%BC</Key><Size>5</Size><ETag>&#34;abc&quot;</ETag>\
             <Owner><ID>1</ID><Key>no</Key></Owner><LastModified>2017-11-03</LastModified></Contents>\
             <Contents><Key><![CDATA[<c>]]></Key><Size> 0 </Size><ETag/></Contents>\
             <NextContinuationToken>a&amp;b</NextContinuationToken></s3:ListBucketResult>",
        )
        .unwrap();
        let keys: Vec<_> = page.objects.iter().map(|object| object.key.as_str()).collect();
        assert_eq!(keys, ["a b+\n/ü", "<c>"]);
        assert_eq!(page.objects[0].etag.as_deref(), Some("\"abc\""));
        assert_eq!(page.objects[0].modified.as_deref(), Some("2017-11-03"));
        assert_eq!((page.objects[1].size, page.objects[1].etag.as_deref()), (0, None));
        assert_eq!(page.next, Next::Token("a&b".into()));
    }

    #[test]
    fn keys_are_decoded_only_where_the_store_says_that_it_encoded_them() {
        let page = |more: &str| {
            let contents = "<Contents><Key>a+b%2F</Key><Size>1</Size></Contents>";
            read(&format!("<ListBucketResult>{contents}{more}</ListBucketResult>")).unwrap()
        };
        assert_eq!(page("").objects[0].key, "a+b%2F");
        assert_eq!(page("").next, Next::End);
        // The keys may come before the word about them.
        assert_eq!(page("<EncodingType>url</EncodingType>").objects[0].key, "a b/");
        assert_eq!(page("<IsTruncated>true</IsTruncated>").next, Next::After("a+b%2F".into()));
    }

    #[test]
    fn what_is_no_page_is_not_taken_for_one() {
        let contents = |inner: &str| {
            format!("<ListBucketResult><Contents>{inner}</Contents></ListBucketResult>")
        };
        for (xml, why) in [
            ("<ListBucketResult><Contents>".to_owned(), BadPage::NoXml),
            ("<ListBucketResult></Contents>".to_owned(), BadPage::NoXml),
            (contents("<Key>&xxe;</Key><Size>1</Size>"), BadPage::NoXml),
            (contents("<Size>1</Size>"), BadPage::Without("a key")),
            (contents("<Key>a</Key>"), BadPage::Without("a size")),
            (contents("<Key>a</Key><Size>-1</Size>"), BadPage::Without("a size")),
            (
                "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>".to_owned(),
                BadPage::NoNext,
            ),
            (
                contents("<Key>%FF</Key><Size>1</Size>")
                    .replace("<Contents>", "<EncodingType>url</EncodingType><Contents>"),
                BadPage::NotUtf8,
            ),
        ] {
            assert_eq!(read(&xml).unwrap_err(), why, "{xml}");
        }
    }
}
