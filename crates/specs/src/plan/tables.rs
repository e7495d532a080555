//! Plans that are tables: each row is a task, with its state, number and facts in columns.

use super::model::Item;
use super::reader::{take, without_flags};
use crate::markdown::context::{MarkdownContext, Place};
use crate::markdown::fold::fold;
use crate::markdown::item;
use crate::markdown::item::Line;
use crate::markdown::labels;
use crate::markdown::labels::Kind;
use crate::markdown::marker::Marker;
use crate::markdown::number;
use crate::markdown::pattern::pattern;
use crate::outline::headings;
use crate::outline::headings::Heading;
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::LazyLock;

static DELIMITER: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$|^\s*\+=+(?:\+=+)*\+\s*$"));
static BOX: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:[-*+]\s+)?(?:\[([ xX~/\-]?)\]|([☐☑☒◐□■▢◻✓✔✗✘⬜⬛🔲🔳✅❌🔄⏳🚧]\x{fe0f}?)|<input\b([^<>]*\bcheckbox\b[^<>]*)>)\s*(.*)$",
    )
});

/// A table as it is written, each row with its line.
struct Table {
    /// The line of its header.
    line: usize,
    header: Vec<String>,
    rows: Vec<(usize, Vec<String>)>,
}

/// The columns of a table of tasks.
struct Columns {
    title: usize,
    number: Option<usize>,
    state: Option<usize>,
    /// Whether the state is a box in each row.
    has_boxes: bool,
}

/// Returns the tasks in the tables of a text that has no other tasks; a table without tasks is left out.
pub(crate) fn tasks(text: &str) -> Vec<Item> {
    tables(text)
        .iter()
        .filter_map(|table| Some((table, columns(table)?)))
        .flat_map(|(table, columns)| table.tasks(&columns))
        .collect()
}

/// Returns the tasks in the tables of a text that has other tasks too, by their lines; the other lines of such a table
/// are there without a task.
///
/// A table with a column of boxes has tasks, and where no other task has a number, so has one with numbers. A table with
/// the number or the title of another task is an overview of those.
pub(crate) fn beside(text: &str, others: &[(Option<&str>, &str)]) -> BTreeMap<usize, Option<Item>> {
    let numbers: BTreeSet<&str> = others.iter().filter_map(|(number, _)| *number).collect();
    let titles: BTreeSet<String> = others.iter().map(|(_, title)| fold(title).to_lowercase()).collect();
    let is_known = |item: &Item| {
        item.number.as_deref().is_some_and(|number| numbers.contains(number))
            || titles.contains(&fold(&item.title).to_lowercase())
    };
    let mut found = BTreeMap::new();
    for table in tables(text) {
        let Some(columns) = columns(&table) else { continue };
        let has_numbers = numbers.is_empty() && columns.number.is_some() && columns.state.is_some();
        let tasks = table.tasks(&columns);
        if !columns.has_boxes && !has_numbers || tasks.iter().any(is_known) {
            continue;
        }
        let rows = table.rows.iter().map(|(line, _)| *line);
        found.extend([table.line, table.line + 1].into_iter().chain(rows).map(|line| (line, None)));
        found.extend(tasks.into_iter().map(|item| (item.line, Some(item))));
    }
    found
}

impl Table {
    fn tasks(&self, columns: &Columns) -> Vec<Item> {
        let mut items: Vec<Item> =
            self.rows.iter().filter_map(|(line, cells)| task(&self.header, columns, *line, cells)).collect();
        // `T1: Title` has its number in the column of the titles.
        let named: Vec<Heading> = items.iter().map(|item| headings::named(&item.title)).collect();
        let numbers: BTreeSet<&str> = named.iter().filter_map(|heading| heading.number.as_deref()).collect();
        if columns.number.is_none() && numbers.len() == items.len() {
            for (item, Heading { number, title, .. }) in items.iter_mut().zip(&named) {
                item.number.clone_from(number);
                if !title.is_empty() {
                    item.title.clone_from(title);
                }
            }
        }
        items
    }
}

fn tables(text: &str) -> Vec<Table> {
    if let Some(table) = separated(text) {
        return vec![table];
    }
    let mut context = MarkdownContext::new(text);
    // Lines between the rows of a grid are no rows.
    let is_border =
        |line: &str| line.trim_start().starts_with("+-") && !line.contains(|c: char| !"+- ".contains(c));
    let lines: Vec<Line<'_>> = item::lines(text)
        .filter(|line| context.place(*line) == Place::Text && !is_border(line.text))
        .collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at + 1 < lines.len() {
        let is_head = lines[at].text.contains('|') && lines[at + 1].text.contains(['|', '+']);
        if !is_head || !DELIMITER.is_match(lines[at + 1].text) {
            at += 1;
            continue;
        }
        let (head, header) = (lines[at].number, cells(lines[at].text));
        let rows = lines[at + 2..].iter().take_while(|line| line.text.contains('|'));
        let rows: Vec<(usize, Vec<String>)> = rows.map(|line| (line.number, cells(line.text))).collect();
        at += 2 + rows.len();
        found.push(Table { line: head, header, rows });
    }
    found
}

/// Reads a text that is nothing but a table of values with commas, semicolons or tabs between.
fn separated(text: &str) -> Option<Table> {
    let mut lines = item::lines(text).filter(|line| !line.text.trim().is_empty());
    let head = lines.next()?;
    let head_text = head.text.trim_start_matches('\u{feff}');
    let sign = ['\t', ';', ','].into_iter().find(|sign| head_text.contains(*sign))?;
    let header = values(head_text, sign)?;
    let is_header =
        |cell: &String| !cell.is_empty() && cell.chars().count() <= 40 && !cell.ends_with(['.', ':']);
    if header.len() < 2 || !header.iter().all(is_header) || head_text.starts_with(['-', '#', '|', '*', '>']) {
        return None;
    }
    let rows: Vec<(usize, Vec<String>)> = lines
        .map(|line| Some((line.number, values(line.text, sign).filter(|cells| cells.len() == header.len())?)))
        .collect::<Option<_>>()?;
    (rows.len() > 1).then_some(Table { line: head.number, header, rows })
}

/// Returns the values of a line, of which some may be quoted.
fn values(line: &str, sign: char) -> Option<Vec<String>> {
    let mut values = vec![String::new()];
    let mut is_quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let value = values.last_mut()?;
        match c {
            '"' if is_quoted && chars.peek() == Some(&'"') => value.extend(chars.next()),
            '"' => is_quoted = !is_quoted,
            _ if c == sign && !is_quoted => values.push(String::new()),
            _ => value.push(c),
        }
    }
    (!is_quoted).then(|| values.into_iter().map(|value| value.trim().to_owned()).collect())
}

/// Returns the cells of a row; `\|` is a part of the text.
fn cells(line: &str) -> Vec<String> {
    let line = line.trim();
    let line = line.strip_prefix('|').unwrap_or(line);
    let line = line.strip_suffix('|').filter(|rest| !rest.ends_with('\\')).unwrap_or(line);
    line.replace("\\|", "\u{0}").split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect()
}

/// Finds the columns of a table of tasks: a title beside a state, or beside a number where the header names tasks.
fn columns(table: &Table) -> Option<Columns> {
    let column =
        |at: usize| table.rows.iter().filter_map(move |(_, cells)| cells.get(at)).map(String::as_str);
    let every = |at: usize, is: fn(&str) -> bool| {
        let mut filled = column(at).filter(|cell| !cell.is_empty()).peekable();
        filled.peek().is_some() && filled.all(is)
    };
    let all = 0..table.header.len();
    let boxes = all.clone().find(|at| every(*at, is_box));
    let state = boxes
        .or_else(|| all.clone().find(|at| labels::is_status(&table.header[*at])))
        .or_else(|| all.clone().find(|at| every(*at, |cell| BOX.is_match(cell))));
    // Several columns of boxes say of each row who may do what.
    if all.clone().filter(|at| every(*at, is_box)).count() > 1 {
        return None;
    }
    let number = all.clone().take(2).find(|at| Some(*at) != state && every(*at, is_number));
    let is_free =
        |at: &usize| Some(*at) != state && Some(*at) != number && labels::kind(&table.header[*at]).is_none();
    let is_named = |at: &usize| labels::is_task_word(&fold(&table.header[*at]).to_lowercase());
    let named = all.clone().filter(is_free).find(is_named);
    let length = |at: &usize| column(*at).map(str::len).sum::<usize>();
    let title = named.or_else(|| all.filter(is_free).max_by_key(length))?;
    let is_of_tasks = state.is_some() || number.is_some() && named.is_some();
    is_of_tasks.then_some(Columns { title, number, state, has_boxes: boxes.is_some() })
}

fn is_box(cell: &str) -> bool {
    BOX.captures(cell).is_some_and(|found| found[4].is_empty())
}

pub(crate) fn is_number(cell: &str) -> bool {
    let cell = fold(cell);
    let cell = cell.trim_matches(['*', '_', '`', '#', '.']);
    cell.len() < 16
        && cell.ends_with(|c: char| c.is_ascii_digit())
        && number::is_number(cell)
        && cell.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-')
}

fn task(header: &[String], columns: &Columns, line: usize, cells: &[String]) -> Option<Item> {
    let cell = |at: Option<usize>| at.and_then(|at| cells.get(at)).map_or("", String::as_str);
    let (title, parallel) = without_flags(cell(Some(columns.title)).trim_matches(['*', '_', '`', '~', ' ']));
    if !title.contains(char::is_alphanumeric) {
        return None;
    }
    let number = fold(cell(columns.number)).trim_matches(['*', '_', '`', '#', '.']).to_owned();
    let number = Some(number).filter(|number| !number.is_empty());
    let mut item = Item {
        depth: number.as_deref().map_or(0, |number| number.matches('.').count()),
        number,
        title,
        parallel,
        state: state(cell(columns.state)),
        line,
        is_heading: true,
        ..Item::default()
    };
    for (at, name) in header.iter().enumerate().filter(|(at, _)| Some(*at) != columns.state) {
        match labels::kind(name) {
            Some(Kind::Advice) | None if at != columns.title && Some(at) != columns.number => {
                let text = cell(Some(at));
                if !text.is_empty() {
                    let _ = writeln!(item.description, "{name}: {text}");
                }
            }
            Some(kind) if at != columns.title => take(&mut item, kind, cell(Some(at)), line),
            _ => {}
        }
    }
    Some(item)
}

/// Returns the state that a cell or the value of a label tells: a box, a sign, or a word for what is done.
pub(crate) fn state(cell: &str) -> Marker {
    match BOX.captures(cell) {
        Some(found) => match found.get(3) {
            Some(attributes) if attributes.as_str().contains("checked") => Marker::Completed,
            Some(_) => Marker::Pending,
            None => found
                .get(1)
                .or_else(|| found.get(2))
                .map_or(Marker::Pending, |sign| Marker::of(sign.as_str().trim())),
        },
        None if labels::is_done(cell) => Marker::Completed,
        None => Marker::Pending,
    }
}

#[cfg(test)]
mod tests {
    use crate::plan;

    /// Number, title, needs and whether it is done, of each planned task.
    fn units(text: &str) -> Vec<(String, String, Vec<usize>, bool)> {
        let units = plan::parse(text).units();
        units.into_iter().map(|unit| (unit.number, unit.title, unit.dependencies, unit.is_done)).collect()
    }

    fn expected() -> Vec<(String, String, Vec<usize>, bool)> {
        [
            ("1", "Create schema", vec![], true),
            ("2", "Build API", vec![0], false),
            ("3", "Build page", vec![0], false),
        ]
        .map(|(number, title, needs, is_done)| (number.to_owned(), title.to_owned(), needs, is_done))
        .to_vec()
    }

    #[test]
    fn the_rows_of_a_table_are_tasks() {
        for text in [
            "# Plan\n\n| # | Task | Status | Depends on |\n|---|---|---|---|\n| 1 | Create schema | [x] | - |\n| 2 | Build API | [ ] | 1 |\n| 3 | Build page | [ ] | 1 |\n",
            "| Done | Task | Depends |\n|:-:|--|--|\n| - [x] | Create schema | none |\n| ☐ | Build API | Create schema |\n| [ ] | **Build page** | 1 |\n",
            "| ID | Tarea | Estado | Dependencias |\n|--|--|--|--|\n| 1 | Create schema | ✅ Hecho | Ninguna |\n| 2 | Build API | Pendiente | 1 |\n| 3 | Build page | En curso | 1 |\n",
            "| 番号 | タスク | 状態 | 依存 |\n|--|--|--|--|\n| １ | Create schema | 完了 | なし |\n| ２ | Build API | 未着手 | １ |\n| ３ | Build page | 未着手 | １ |\n",
        ] {
            assert_eq!(units(text), expected(), "{text}");
            let rules: Vec<&str> = plan::parse(text).findings.iter().map(|one| one.rule).collect();
            assert_eq!(rules, ["no-boxes"], "{text}");
        }
    }

    #[test]
    fn rows_beside_other_tasks_are_tasks() {
        for (text, expected) in [
            (
                "- [x] 1. a\n- [ ] 2. b\n\n| | # | Step | Depends |\n|--|--|--|--|\n| [ ] | 3 | c | 1 |\n| ✅ | 4 | d | - |\n\n- [ ] 5. e\n",
                &[
                    ("1", "a", &[][..], true),
                    ("2", "b", &[0], false),
                    ("3", "c", &[0], false),
                    ("4", "d", &[], true),
                    ("5", "e", &[1, 2, 3], false),
                ][..],
            ),
            (
                "| № | Задача | Статус |\n|--|--|--|\n| 1 | Схема | Готово |\n| 2 | Импорт | ⏳ В работе |\n\n## Проверка\n- [ ] тесты\n",
                &[("1", "Схема", &[], true), ("2", "Импорт", &[0], false)],
            ),
            (
                "| # | Task | Done |\n|--|--|--|\n| 1 | a | [x] |\n| 2 | b | [ ] |\n\n- [x] 1. a\n- [ ] 2. b\n",
                &[("1", "a", &[], true), ("2", "b", &[0], false)],
            ),
        ] {
            let expected: Vec<_> = expected
                .iter()
                .map(|(number, title, needs, done)| {
                    ((*number).to_owned(), (*title).to_owned(), needs.to_vec(), *done)
                })
                .collect();
            assert_eq!(units(text), expected, "{text}");
            assert!(plan::parse(text).items.iter().all(|item| item.description.is_empty()), "{text}");
        }
    }

    #[test]
    fn other_tables_are_none() {
        for text in [
            "Words.\n\n| Role | Read | Write |\n|--|--|--|\n| admin | [x] | [x] |\n| guest | [x] | [ ] |\n",
            "Words.\n\n| Tool | Version |\n|--|--|\n| node | 20.1 |\n| rust | 1.95 |\n",
        ] {
            assert_eq!(units(text).len(), 1, "{text}");
        }
        let beside = "| Task | Status |\n|--|--|\n| a | Done |\n\n- [ ] 1. a\n- [ ] 2. b\n";
        assert_eq!(units(beside).len(), 2);
    }
}
