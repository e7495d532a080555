//! Lists in pages: `limit` and `cursor` in the query, `X-Total-Count` and `Link` in the answer.

use crate::request::problem::Problem;
use axum::Json;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use serde::Deserialize;
use std::ops::Range;
use utoipa::IntoParams;

/// Which part of a list is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// 1 to 500; 50 when absent.
    #[param(minimum = 1, maximum = 500)]
    pub(crate) limit: Option<u64>,
    /// Where the page before ended, from its `Link` header.
    pub(crate) cursor: Option<String>,
}

/// A page of a list, with its headers.
pub(crate) type Paged<T> = (HeaderMap, Json<Vec<T>>);

/// Which part of a list inside an answer is asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PartQuery {
    /// 1 to 500; everything when absent.
    #[param(minimum = 1, maximum = 500)]
    pub(crate) limit: Option<u64>,
    /// Where the part before ended, from its `Link` header.
    pub(crate) cursor: Option<String>,
}

/// Returns the part of a list inside an answer, with the headers of a page; all of it where nothing less is asked for.
pub(crate) fn part<T>(uri: &Uri, query: PartQuery, all: Vec<T>) -> Result<(HeaderMap, Vec<T>), Problem> {
    if query.limit.is_none() && query.cursor.is_none() {
        return Ok((page_headers(uri, u64::try_from(all.len()).unwrap_or(u64::MAX), None), all));
    }
    let (headers, Json(part)) = page(uri, &PageQuery { limit: query.limit, cursor: query.cursor }, all)?;
    Ok((headers, part))
}

impl PageQuery {
    /// Returns the places in a list, at hand whole, that are asked for.
    pub(crate) fn range(&self) -> Result<Range<usize>, Problem> {
        let limit = usize::try_from(limit(self.limit)?).unwrap_or(usize::MAX);
        let start = match &self.cursor {
            None => 0,
            Some(cursor) => cursor.parse::<usize>().map_err(|_| bad_cursor())?,
        };
        Ok(start..start.saturating_add(limit))
    }
}

/// Returns the page of a short list that is at hand whole; its cursor is how many come before.
pub(crate) fn page<T>(uri: &Uri, query: &PageQuery, all: Vec<T>) -> Result<Paged<T>, Problem> {
    let Range { start, end } = query.range()?;
    let total = all.len();
    let next = (end < total).then(|| end.to_string());
    let headers = page_headers(uri, u64::try_from(total).unwrap_or(u64::MAX), next.as_deref());
    Ok((headers, Json(all.into_iter().skip(start).take(end - start).collect())))
}

/// Returns a list's limit within its bounds.
pub(crate) fn limit(asked: Option<u64>) -> Result<u64, Problem> {
    match asked {
        None => Ok(50),
        Some(limit @ 1..=500) => Ok(limit),
        Some(other) => Err(Problem::invalid("limit", format!("{other} is not within 1 to 500"))),
    }
}

pub(crate) fn bad_cursor() -> Problem {
    Problem::invalid("cursor", "is not a cursor of this list; take it from the Link header")
}

/// `X-Total-Count`, and `Link` when there is a next page.
pub(crate) fn page_headers(uri: &Uri, total: u64, next: Option<&str>) -> HeaderMap {
    headers_with(uri, total, next.map(|next| ("cursor", next)))
}

/// Returns the headers of a list whose next page is named by another parameter.
pub(crate) fn headers_with(uri: &Uri, total: u64, next: Option<(&str, &str)>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("x-total-count", HeaderValue::from(total));
    if let Some((name, value)) = next {
        let others = uri
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty() && pair.split('=').next() != Some(name));
        let query: Vec<String> = others.map(str::to_owned).chain([format!("{name}={value}")]).collect();
        let path = uri.path().trim_start_matches("/api/v1");
        let link = format!("</api/v1{path}?{}>; rel=\"next\"", query.join("&"));
        if let Ok(link) = HeaderValue::from_str(&link) {
            headers.insert(header::LINK, link);
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Api;
    use axum::http::Method;
    use serde_json::{Value, json};

    fn query(limit: Option<u64>, cursor: Option<&str>) -> PageQuery {
        PageQuery { limit, cursor: cursor.map(str::to_owned) }
    }

    #[test]
    fn a_short_list_is_cut_into_pages() {
        let uri = Uri::from_static("/api/v1/agents?limit=2&cursor=0&x=1");
        let (headers, Json(first)) = page(&uri, &query(Some(2), None), vec![1, 2, 3]).expect("a page");
        assert_eq!(first, [1, 2]);
        assert_eq!(headers["x-total-count"], "3");
        assert_eq!(headers["link"], "</api/v1/agents?limit=2&x=1&cursor=2>; rel=\"next\"");
        let (headers, Json(last)) = page(&uri, &query(Some(2), Some("2")), vec![1, 2, 3]).expect("a page");
        assert_eq!((last, headers.contains_key("link")), (vec![3], false));
        for (limit, cursor, field) in
            [(Some(0), None, "limit"), (Some(501), None, "limit"), (None, Some("-1"), "cursor")]
        {
            let problem = page(&uri, &query(limit, cursor), vec![1]).expect_err("it is wrong");
            assert_eq!(problem.errors[0].field, field);
        }
    }

    /// Reads a list to its end by its `Link` headers.
    async fn read_pages(api: &Api, path: &str, after_each: impl AsyncFn()) -> Vec<Value> {
        let mut all = Vec::new();
        let mut next = Some(path.to_owned());
        while let Some(path) = next {
            let answer = api.send(api.request(Method::GET, &path), &Value::Null).await;
            assert_eq!(answer.status, 200, "{path}");
            assert!(answer.headers.contains_key("x-total-count"), "{path}");
            next = answer.headers.get("link").map(|link| {
                let link = link.to_str().expect("text").trim_start_matches("</api/v1");
                let (path, rel) = link.split_once('>').expect("a link");
                assert_eq!(rel, "; rel=\"next\"");
                path.to_owned()
            });
            all.extend(answer.body.as_array().expect("a list").iter().cloned());
            after_each().await;
        }
        all
    }

    #[tokio::test]
    async fn every_list_comes_in_pages_that_do_not_drift() {
        let api = Api::open().await;
        let project = api.project().await;
        for name in ["b", "a", "c", "e", "d"] {
            api.task(&project, name).await;
        }
        for sort in ["-created_at", "name", "-priority", "updated_at", "status", "-attention"] {
            let before = api.get(&format!("/spec-tasks?limit=500&sort={sort}")).await;
            let path = format!("/spec-tasks?limit=2&sort={sort}");
            let paged = read_pages(&api, &path, async || {
                if sort == "-created_at" {
                    api.task(&project, "Meanwhile").await;
                }
            });
            assert_eq!(json!(paged.await), before, "{sort}");
        }
        for path in ["/agents", "/demo-repos", "/projects", "/permissions", "/inbox", "/webhooks"] {
            let all = api.get(&format!("{path}?limit=500")).await;
            let paged = read_pages(&api, &format!("{path}?limit=2"), async || ()).await;
            assert_eq!(json!(paged), all, "{path}");
        }
    }
}
