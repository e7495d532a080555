//! Plans and requirements made from a model, written in every dialect and ten languages with noise between, and read
//! back: what is read is what was written.

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use specs::checklist::{self, Marker};
use specs::{Severity, lint, plan, requirements, validate};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The words that a language has for what a document is made of.
struct Language {
    task: &'static str,
    requirement: &'static str,
    requirements: &'static str,
    depends: &'static str,
    acceptance: &'static str,
    story: &'static str,
    and: &'static str,
    none: &'static str,
    /// Parts of titles; each title is made of two.
    words: [&'static str; 8],
    sentence: &'static str,
}

const LANGUAGES: [Language; 11] = [
    Language {
        task: "Task",
        requirement: "Requirement",
        requirements: "Requirements",
        depends: "Depends",
        acceptance: "Acceptance Criteria",
        story: "User Story",
        and: "and",
        none: "None",
        words: ["Build", "Check", "Move", "Show", "the store", "the page", "the index", "the parser"],
        sentence: "WHEN a date is given, THE Store SHALL keep it",
    },
    Language {
        task: "任务",
        requirement: "需求",
        requirements: "需求",
        depends: "依赖",
        acceptance: "验收标准",
        story: "用户故事",
        and: "和",
        none: "无",
        words: ["创建", "检查", "移动", "显示", "数据库", "页面组件", "搜索索引", "解析器"],
        sentence: "当用户提交表单时，系统应保存全部数据",
    },
    Language {
        task: "タスク",
        requirement: "要件",
        requirements: "要件",
        depends: "依存",
        acceptance: "受け入れ基準",
        story: "ユーザーストーリー",
        and: "と",
        none: "なし",
        words: [
            "作成する",
            "検証する",
            "移動する",
            "表示する",
            "データベース",
            "ページ部品",
            "検索索引",
            "構文解析器",
        ],
        sentence: "利用者が日付を入力したとき、システムはそれを保存する",
    },
    Language {
        task: "작업",
        requirement: "요구사항",
        requirements: "요구사항",
        depends: "의존성",
        acceptance: "인수 기준",
        story: "사용자 스토리",
        and: "및",
        none: "없음",
        words: ["생성", "검증", "이동", "표시", "데이터베이스", "페이지 구성", "검색 색인", "구문 분석기"],
        sentence: "사용자가 날짜를 입력하면 시스템은 그 날짜를 저장해야 한다",
    },
    Language {
        task: "Aufgabe",
        requirement: "Anforderung",
        requirements: "Anforderungen",
        depends: "Abhängigkeiten",
        acceptance: "Akzeptanzkriterien",
        story: "User Story",
        and: "und",
        none: "Keine",
        words: [
            "Aufbau",
            "Prüfen",
            "Umzug",
            "Anzeige",
            "der Datenbank",
            "der Seite",
            "des Verzeichnisses",
            "des Parsers",
        ],
        sentence: "Wenn ein Datum angegeben wird, muss das System es speichern",
    },
    Language {
        task: "Tarea",
        requirement: "Requisito",
        requirements: "Requisitos",
        depends: "Dependencias",
        acceptance: "Criterios de aceptación",
        story: "Historia de usuario",
        and: "y",
        none: "Ninguna",
        words: [
            "Crear",
            "Comprobar",
            "Mover",
            "Mostrar",
            "la base de datos",
            "la página",
            "el índice",
            "el analizador",
        ],
        sentence: "CUANDO el usuario envía el formulario ENTONCES el sistema DEBERÁ guardarlo",
    },
    Language {
        task: "Tarefa",
        requirement: "Requisito",
        requirements: "Requisitos",
        depends: "Dependências",
        acceptance: "Critérios de Aceitação",
        story: "História de usuário",
        and: "e",
        none: "Nenhuma",
        words: ["Criar", "Verificar", "Mover", "Mostrar", "o banco", "a página", "o índice", "o analisador"],
        sentence: "QUANDO o usuário enviar o formulário ENTÃO o sistema DEVERÁ salvar os dados",
    },
    Language {
        task: "Tâche",
        requirement: "Exigence",
        requirements: "Exigences",
        depends: "Dépendances",
        acceptance: "Critères d'acceptation",
        story: "Histoire utilisateur",
        and: "et",
        none: "Aucune",
        words: ["Créer", "Vérifier", "Déplacer", "Afficher", "la base", "la page", "l'index", "l'analyseur"],
        sentence: "QUAND l'utilisateur envoie le formulaire ALORS le système DOIT le conserver",
    },
    Language {
        task: "Задача",
        requirement: "Требование",
        requirements: "Требования",
        depends: "Зависимости",
        acceptance: "Критерии приёмки",
        story: "Пользовательская история",
        and: "и",
        none: "Нет",
        words: [
            "Создать",
            "Проверить",
            "Перенести",
            "Показать",
            "базу данных",
            "страницу",
            "указатель",
            "анализатор",
        ],
        sentence: "КОГДА пользователь отправляет форму, система ДОЛЖНА сохранить данные",
    },
    Language {
        task: "المهمة",
        requirement: "المتطلب",
        requirements: "المتطلبات",
        depends: "التبعيات",
        acceptance: "معايير القبول",
        story: "قصة المستخدم",
        and: "و",
        none: "لا يوجد",
        words: ["إنشاء", "فحص", "نقل", "عرض", "قاعدة البيانات", "الصفحة", "الفهرس", "المحلل"],
        sentence: "عندما يرسل المستخدم النموذج يجب على النظام حفظ البيانات",
    },
    Language {
        task: "कार्य",
        requirement: "आवश्यकता",
        requirements: "आवश्यकताएँ",
        depends: "निर्भरता",
        acceptance: "स्वीकृति मानदंड",
        story: "उपयोगकर्ता कहानी",
        and: "और",
        none: "कोई नहीं",
        words: ["बनाना", "जाँचना", "हटाना", "दिखाना", "डेटाबेस", "पृष्ठ", "सूचकांक", "विश्लेषक"],
        sentence: "जब उपयोगकर्ता फ़ॉर्म भेजता है तब प्रणाली को डेटा सहेजना चाहिए",
    },
];

#[derive(Clone, Debug)]
struct Task {
    state: Marker,
    optional: bool,
    parts: Vec<Marker>,
    /// Tasks before it; absent where nothing is said.
    needs: Option<BTreeSet<usize>>,
    /// Requirements that it cites.
    cites: BTreeSet<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PlanDialect {
    Kiro,
    Flat,
    OpenSpec,
    SpecKit,
    Headings,
    NumberedHeadings,
    FullWidth,
    Ballot,
    Ordered,
    Slashes,
}

const PLAN_DIALECTS: [PlanDialect; 10] = [
    PlanDialect::Kiro,
    PlanDialect::Flat,
    PlanDialect::OpenSpec,
    PlanDialect::SpecKit,
    PlanDialect::Headings,
    PlanDialect::NumberedHeadings,
    PlanDialect::FullWidth,
    PlanDialect::Ballot,
    PlanDialect::Ordered,
    PlanDialect::Slashes,
];

#[derive(Clone, Copy, Debug)]
enum RequirementDialect {
    /// `### Requirement 1: Title`, `#### Acceptance Criteria`, `1. …`.
    Kiro,
    /// The same with a bold label, and `1.1` before each sentence.
    Dotted,
    /// `## 1. Title` and `1a.`
    Lettered,
    /// `### REQ-1: Title` and `- **AC-1**: …`.
    Ids,
    /// A table below each heading.
    Table,
    /// A Gherkin block below each heading.
    Gherkin,
    FullWidth,
}

const REQUIREMENT_DIALECTS: [RequirementDialect; 7] = [
    RequirementDialect::Kiro,
    RequirementDialect::Dotted,
    RequirementDialect::Lettered,
    RequirementDialect::Ids,
    RequirementDialect::Table,
    RequirementDialect::Gherkin,
    RequirementDialect::FullWidth,
];

/// How dependencies are worded.
#[derive(Clone, Copy, Debug)]
enum Wording {
    Bare,
    Words,
    Titles,
    Ranges,
}

#[derive(Clone, Debug)]
struct Model {
    language: usize,
    plan: PlanDialect,
    requirements: RequirementDialect,
    wording: Wording,
    tasks: Vec<Task>,
    /// For each requirement, how many criteria it has.
    criteria: Vec<usize>,
    /// What stands between the tasks.
    noise: Vec<usize>,
    crlf: bool,
    bom: bool,
}

fn models() -> impl Strategy<Value = Model> {
    let marker = prop::sample::select(vec![Marker::Pending, Marker::InProgress, Marker::Completed]);
    let needs = prop::option::of(prop::collection::btree_set(0_usize..64, 0..4));
    let cites = prop::collection::btree_set(0_usize..64, 0..3);
    let task = (marker.clone(), any::<bool>(), prop::collection::vec(marker, 1..4), needs, cites);
    (
        (
            0..LANGUAGES.len(),
            prop::sample::select(PLAN_DIALECTS.to_vec()),
            prop::sample::select(REQUIREMENT_DIALECTS.to_vec()),
        ),
        prop::sample::select(vec![Wording::Bare, Wording::Words, Wording::Titles, Wording::Ranges]),
        prop::collection::vec(task, 2..9),
        prop::collection::vec(1_usize..5, 2..5),
        prop::collection::vec(0_usize..9, 0..6),
        any::<(bool, bool)>(),
    )
        .prop_map(|((language, plan, requirements), wording, tasks, criteria, noise, (crlf, bom))| {
            let tasks = tasks
                .into_iter()
                .enumerate()
                .map(|(at, (state, optional, parts, needs, cites))| Task {
                    state,
                    optional,
                    parts,
                    needs: needs.map(|needs| {
                        needs.iter().filter(|_| at > 0).map(|index| index % at.max(1)).collect()
                    }),
                    cites: cites.iter().map(|index| index % criteria.len()).collect(),
                })
                .collect();
            Model { language, plan, requirements, wording, tasks, criteria, noise, crlf, bom }
        })
}

/// What stands in real documents between tasks and tells nothing of them.
const NOISE: [&str; 9] = [
    "",
    "\n\n",
    "<!-- a comment\nover lines -->\n",
    "\n| a | b |\n|---|---|\n| c | d |\n\n",
    "\n```text\nexample\n```\n\n",
    "\n````markdown\n```rust\nfn main() {}\n```\n````\n\n",
    "<details>\n<summary>More</summary>\n\nWords.\n\n</details>\n",
    "\n> A quotation.\n\n",
    "\n---\n\n",
];

impl Model {
    fn language(&self) -> &'static Language {
        &LANGUAGES[self.language]
    }

    /// A title that no other task has.
    fn title(&self, at: usize) -> String {
        let words = self.language().words;
        format!("{} {} {}", words[at % 4], words[4 + at / 4 % 4], ["α", "β", "γ"][at / 16 % 3])
    }

    fn part_title(&self, task: usize, part: usize) -> String {
        format!("{} {}", self.title(task), ["one", "two", "three"][part])
    }

    fn number(&self, at: usize) -> String {
        match self.plan {
            PlanDialect::SpecKit => format!("T{:03}", at + 1),
            _ => (at + 1).to_string(),
        }
    }

    fn has_parts(&self) -> bool {
        self.plan != PlanDialect::SpecKit
    }

    /// What a task says of its dependencies.
    fn depends(&self, needs: &BTreeSet<usize>) -> String {
        let language = self.language();
        if needs.is_empty() {
            return language.none.to_owned();
        }
        let numbers: Vec<String> = needs.iter().map(|at| self.number(*at)).collect();
        let first = needs.first().copied().unwrap_or_default();
        let is_run = needs.iter().enumerate().all(|(place, at)| *at == first + place) && needs.len() > 1;
        match self.wording {
            Wording::Titles => {
                needs.iter().map(|at| format!("\"{}\"", self.title(*at))).collect::<Vec<_>>().join(", ")
            }
            Wording::Ranges if is_run => format!("{}-{}", numbers[0], numbers[numbers.len() - 1]),
            Wording::Words if numbers.len() > 1 => {
                let (last, others) = numbers.split_last().expect("there are several");
                format!("{} {} {} {last}", language.task, others.join(", "), language.and)
            }
            Wording::Words => format!("{} {}", language.task, numbers[0]),
            Wording::Bare | Wording::Ranges => numbers.join(", "),
        }
    }

    fn plan_text(&self) -> String {
        let language = self.language();
        let mut text = String::from("---\nname: plan\n---\n# Plan\n\n");
        let sign = |marker: Marker| match (self.plan, marker) {
            (PlanDialect::FullWidth, Marker::Pending) => "［　］",
            (PlanDialect::FullWidth, Marker::Completed) => "［ｘ］",
            (PlanDialect::FullWidth, Marker::InProgress) => "［~］",
            (PlanDialect::Ballot, Marker::Pending) => "☐",
            (PlanDialect::Ballot, Marker::Completed) => "☑",
            (PlanDialect::Ballot, Marker::InProgress) => "◐",
            (PlanDialect::Slashes, Marker::InProgress) => "[/]",
            (PlanDialect::Slashes, Marker::Pending) => "[]",
            (_, Marker::Pending) => "[ ]",
            (_, Marker::Completed) => "[x]",
            (_, Marker::InProgress) => "[~]",
        };
        for (at, task) in self.tasks.iter().enumerate() {
            let noise = self.noise.get(at % self.noise.len().max(1)).copied().unwrap_or_default();
            text.push_str(NOISE[noise]);
            let (number, title) = (self.number(at), self.title(at));
            let star = if task.optional { "*" } else { "" };
            let marker = sign(task.state);
            match self.plan {
                PlanDialect::Kiro | PlanDialect::Flat | PlanDialect::Ballot | PlanDialect::Slashes => {
                    let _ = writeln!(text, "- {marker}{star} {number}. {title}");
                }
                PlanDialect::FullWidth => {
                    let _ = writeln!(
                        text,
                        "- {marker}{star} {}．{title}",
                        char::from_u32(0xff11 + u32::try_from(at).unwrap_or(0)).unwrap_or('１')
                    );
                }
                PlanDialect::Ordered => {
                    let _ = writeln!(text, "{number}. {marker}{star} {title}");
                }
                PlanDialect::SpecKit => {
                    let _ = writeln!(text, "- {marker} {number} {title}");
                }
                PlanDialect::OpenSpec => {
                    let _ = writeln!(text, "## {number}. {title}\n");
                }
                PlanDialect::Headings => {
                    let _ = writeln!(text, "### {} {number}: {title}\n", language.task);
                }
                PlanDialect::NumberedHeadings => {
                    let _ = writeln!(text, "### {number}. {title}\n");
                }
            }
            let is_heading = matches!(self.plan, PlanDialect::Headings | PlanDialect::NumberedHeadings);
            if is_heading || self.plan == PlanDialect::SpecKit {
                self.tell(&mut text, task, "");
            }
            for (part, state) in task.parts.iter().enumerate().filter(|_| self.has_parts()) {
                let marker = sign(*state);
                let title = self.part_title(at, part);
                let number = match self.plan {
                    PlanDialect::Headings | PlanDialect::NumberedHeadings | PlanDialect::Ordered => {
                        String::new()
                    }
                    _ => format!("{number}.{} ", part + 1),
                };
                let indent = match self.plan {
                    PlanDialect::Flat
                    | PlanDialect::OpenSpec
                    | PlanDialect::Headings
                    | PlanDialect::NumberedHeadings => "",
                    PlanDialect::Ordered => "   ",
                    _ => "  ",
                };
                let _ = writeln!(text, "{indent}- {marker} {number}{title}");
                if part == 0 && self.plan == PlanDialect::OpenSpec {
                    self.tell(&mut text, task, "  ");
                }
            }
            if self.has_parts()
                && !is_heading
                && !matches!(self.plan, PlanDialect::OpenSpec | PlanDialect::Flat)
            {
                self.tell(&mut text, task, "  ");
            }
        }
        self.finished(text)
    }

    /// Writes what a task depends on and cites.
    fn tell(&self, text: &mut String, task: &Task, indent: &str) {
        let language = self.language();
        if let Some(needs) = task.needs.as_ref().filter(|_| self.says_needs()) {
            let _ = writeln!(text, "{indent}- **{}**: {}", language.depends, self.depends(needs));
        }
        if !task.cites.is_empty() {
            let cited: Vec<String> = task.cites.iter().map(|at| (at + 1).to_string()).collect();
            let _ = writeln!(text, "{indent}- _{}: {}_", language.requirements, cited.join(", "));
        }
        text.push('\n');
    }

    /// Whether the dialect has a place for what a whole task says.
    fn says_needs(&self) -> bool {
        !matches!(self.plan, PlanDialect::Flat | PlanDialect::OpenSpec)
    }

    fn requirements_text(&self) -> String {
        let language = self.language();
        let mut text = String::from("# Document\n\n## Introduction\n\nWords about it.\n\n");
        for (at, count) in self.criteria.iter().enumerate() {
            let (number, title) = (at + 1, self.title(at));
            let heading = match self.requirements {
                RequirementDialect::Lettered => format!("### {number}. {title}"),
                RequirementDialect::Ids => format!("### REQ-{number}: {title}"),
                RequirementDialect::FullWidth => {
                    format!("### {}{}：{title}", language.requirement, ["１", "２", "３", "４", "５"][at])
                }
                _ => format!("### {} {number}: {title}", language.requirement),
            };
            let _ = writeln!(text, "{heading}\n\n**{}:** {}.\n", language.story, self.sentence(at, 9));
            match self.requirements {
                RequirementDialect::Kiro | RequirementDialect::FullWidth => {
                    let _ = writeln!(text, "#### {}\n", language.acceptance);
                }
                RequirementDialect::Gherkin => text.push_str("```gherkin\n"),
                RequirementDialect::Table => text.push_str("| ID | | |\n|---|---|---|\n"),
                _ => {
                    let _ = writeln!(text, "**{}:**\n", language.acceptance);
                }
            }
            for place in 1..=*count {
                let sentence = self.sentence(at, place);
                let _ = match self.requirements {
                    RequirementDialect::Kiro => writeln!(text, "{place}. {sentence}"),
                    RequirementDialect::FullWidth => {
                        writeln!(text, "{}．{sentence}", ["１", "２", "３", "４", "５"][place - 1])
                    }
                    RequirementDialect::Dotted => writeln!(text, "{number}.{place} {sentence}\n"),
                    RequirementDialect::Lettered => {
                        writeln!(text, "{number}{}. {sentence}\n", ["a", "b", "c", "d", "e"][place - 1])
                    }
                    RequirementDialect::Ids => writeln!(text, "- **AC-{place}**: {sentence}"),
                    RequirementDialect::Table => writeln!(text, "| {number}.{place} | {sentence} | x |"),
                    RequirementDialect::Gherkin => {
                        writeln!(text, "Scenario: {sentence}\n  Given a\n  When b\n  Then c\n")
                    }
                };
            }
            if matches!(self.requirements, RequirementDialect::Gherkin) {
                text.push_str("```\n");
            }
            text.push('\n');
        }
        self.finished(text)
    }

    fn sentence(&self, requirement: usize, place: usize) -> String {
        let marks = ["α", "β", "γ", "δ", "ε"];
        format!(
            "{} {}{}",
            self.language().sentence,
            marks[requirement % 5],
            ["", "a", "b", "c", "d", "e", "f", "g", "h", "i"][place]
        )
    }

    fn finished(&self, text: String) -> String {
        let text = if self.crlf { text.replace('\n', "\r\n") } else { text };
        if self.bom { format!("\u{feff}{text}") } else { text }
    }
}

fn run(cases: u32, test: impl Fn(Model) -> Result<(), TestCaseError>) {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    if let Err(error) = runner.run(&models(), test) {
        panic!("{error}");
    }
}

#[test]
fn plans_are_read_as_they_were_written() {
    run(200, |model| {
        let text = model.plan_text();
        let plan = plan::parse(&text);
        let units = plan.units();
        let titles: Vec<&str> = units.iter().map(|unit| unit.title.as_str()).collect();
        let wanted: Vec<String> = (0..model.tasks.len()).map(|at| model.title(at)).collect();
        prop_assert_eq!(&titles, &wanted, "{}", text);
        // The tasks so far that no other of them needs: a task that says nothing needs these.
        let mut ends: BTreeSet<usize> = BTreeSet::new();
        for (at, task) in model.tasks.iter().enumerate() {
            let unit = &units[at];
            prop_assert_eq!(&unit.number, &model.number(at), "{}", text);
            let needs = task.needs.as_ref().filter(|_| model.says_needs());
            let found: BTreeSet<usize> = unit.dependencies.iter().copied().collect();
            prop_assert_eq!(&found, needs.unwrap_or(&ends), "task {} of {}", at + 1, text);
            ends = ends.difference(&found).copied().chain([at]).collect();
            prop_assert!(unit.unresolved.is_empty(), "{:?} in {}", unit.unresolved, text);
            if !matches!(model.plan, PlanDialect::Flat) {
                let cited: Vec<String> = task.cites.iter().map(|at| (at + 1).to_string()).collect();
                prop_assert_eq!(&unit.requirements, &cited, "{}", text);
            }
            let has_box = !matches!(
                model.plan,
                PlanDialect::OpenSpec | PlanDialect::Headings | PlanDialect::NumberedHeadings
            );
            if has_box {
                let is_open = |part: &Marker| *part != Marker::Completed;
                let has_open_part = model.has_parts() && task.parts.iter().any(is_open);
                let is_done = task.state == Marker::Completed && !has_open_part;
                prop_assert_eq!(unit.is_done, is_done, "{}", text);
                prop_assert_eq!(
                    unit.optional,
                    task.optional && model.plan != PlanDialect::SpecKit,
                    "{}",
                    text
                );
            } else {
                prop_assert_eq!(
                    unit.is_done,
                    task.parts.iter().all(|part| *part == Marker::Completed),
                    "{}",
                    text
                );
            }
        }
        // Parts: every one is there, with its state and its whole.
        for (at, task) in model.tasks.iter().enumerate().filter(|_| model.has_parts()) {
            for (part, state) in task.parts.iter().enumerate() {
                let title = model.part_title(at, part);
                let item = plan.items.iter().find(|item| item.title == title);
                prop_assert_eq!(item.map(|item| item.state), Some(*state), "{} in {}", title, text);
            }
        }
        // An edit of a marker is one span.
        let boxes: Vec<&plan::Item> = plan.items.iter().filter(|item| !item.is_heading).collect();
        for (index, item) in boxes.iter().enumerate() {
            for marker in [Marker::Pending, Marker::InProgress, Marker::Completed] {
                let marked = checklist::mark_at(&text, index, marker);
                let (before, after) = (&text[..item.marker_span.start], &text[item.marker_span.end..]);
                prop_assert!(marked.starts_with(before) && marked.ends_with(after), "{}", text);
                prop_assert_eq!(checklist::parse(&marked).items[index].marker, marker, "{}", marked);
            }
        }
        prop_assert_eq!(validate("Words.", "Words.", &text), Ok(()));
        Ok(())
    });
}

#[test]
fn requirements_are_read_as_they_were_written() {
    run(200, |model| {
        let text = model.requirements_text();
        let found = requirements::parse(&text);
        let numbers: Vec<&str> = found.items.iter().map(|item| item.number.as_str()).collect();
        let wanted: Vec<String> = (1..=model.criteria.len()).map(|number| number.to_string()).collect();
        prop_assert_eq!(&numbers, &wanted, "{}", text);
        for (at, item) in found.items.iter().enumerate() {
            prop_assert_eq!(&item.title, &model.title(at), "{}", text);
            prop_assert_eq!(item.criteria.len(), model.criteria[at], "{:?} in {}", item, text);
            for (place, criterion) in item.criteria.iter().enumerate() {
                let sentence = model.sentence(at, place + 1);
                prop_assert!(criterion.text.starts_with(&sentence), "{:?} in {}", criterion, text);
            }
            prop_assert!(item.user_story.is_some(), "{}", text);
            prop_assert_eq!(found.find(&item.number), Some(item.number.as_str()));
        }
        let errors: Vec<_> = lint::lint(&text, &model.plan_text())
            .into_iter()
            .filter(|finding| finding.severity == Severity::Error)
            .collect();
        prop_assert!(errors.is_empty(), "{:?} in {}\n{}", errors, text, model.plan_text());
        Ok(())
    });
}
