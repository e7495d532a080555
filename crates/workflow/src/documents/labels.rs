//! Words that labels of plans and requirements are made of, in the languages most of them are written in.
//!
//! Shape and numbers decide; these stems only say which of several readings of the same shape is meant. A label in
//! none of these languages is read by its values.

/// What a labelled line tells about a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Requirements,
    Dependencies,
    /// The tasks that wait for this one.
    Dependents,
    Boundary,
    Effort,
    Acceptance,
    /// Advice of other tools, which stays in the description.
    Advice,
}

const DEPENDENCIES: &[&str] = &[
    "depend",
    "dépend",
    "dipend",
    "afhank",
    "afhæng",
    "avheng",
    "beroende",
    "beror",
    "abhäng",
    "voraussetz",
    "prerequis",
    "pre-requis",
    "pré-requis",
    "prérequis",
    "prerrequis",
    "blocked by",
    "wartet auf",
    "needs task",
    "requires task",
    "зависи",
    "залеж",
    "пререквизит",
    "依赖",
    "依賴",
    "前置",
    "依存",
    "先行",
    "前提タスク",
    "의존",
    "선행",
    "اعتماد",
    "يعتمد",
    "تعتمد",
    "التبعيات",
    "निर्भर",
    "bağıml",
    "bağlı",
    "phụ thuộc",
    "zależ",
    "závis",
    "riippu",
    "bergantung",
    "ketergantungan",
    "εξαρτ",
    "תלוי",
    "תלות",
    "ขึ้นอยู่กับ",
    "függ",
];
/// Words that say so in front of a number.
const ORDER: &[&str] = &[
    "after ",
    "needs ",
    "requires ",
    "nach ",
    "после ",
    "після ",
    "tras ",
    "após ",
    "depois de ",
    "après ",
    "dopo ",
];
const DEPENDENTS: &[&str] = &[
    "blocks",
    "blocking",
    "unblocks",
    "blockiert",
    "bloquea",
    "bloqueia",
    "блокирует",
    "阻塞",
    "ブロックする",
];
const REQUIREMENTS: &[&str] = &[
    "requirement",
    "reqs",
    "validates",
    "verifies",
    "covers",
    "satisfies",
    "traces",
    "requisit",
    "exigence",
    "anforderung",
    "требован",
    "вимог",
    "需求",
    "要求",
    "要件",
    "요구",
    "متطلب",
    "आवश्यकता",
    "gereksinim",
    "yêu cầu",
    "wymagan",
    "požadav",
    "vereist",
    "krav",
    "kebutuhan",
    "persyaratan",
    "απαιτ",
    "דריש",
    "követelm",
];
const BOUNDARY: &[&str] = &[
    "boundary",
    "boundaries",
    "file",
    "dateien",
    "archivos",
    "arquivos",
    "fichiers",
    "файлы",
    "文件",
    "ファイル",
    "파일",
    "境界",
    "边界",
    "경계",
];
const EFFORT: &[&str] = &[
    "effort",
    "estimate",
    "size",
    "aufwand",
    "schätzung",
    "esfuerzo",
    "estimaci",
    "esforço",
    "estimativa",
    "оценка",
    "трудо",
    "工作量",
    "预估",
    "工数",
    "見積",
    "규모",
    "공수",
    "charge estimée",
    "الجهد",
];
const ACCEPTANCE: &[&str] = &[
    "acceptance",
    "criteri",
    "critère",
    "критери",
    "kriter",
    "κριτήρ",
    "kryteri",
    "akzeptanz",
    "abnahme",
    "aceptaci",
    "aceita",
    "acceptation",
    "accettazione",
    "приёмк",
    "приемк",
    "验收",
    "驗收",
    "验证标准",
    "受け入れ",
    "受入",
    "完了条件",
    "完成条件",
    "完成标准",
    "인수",
    "수락",
    "승인 기준",
    "수용 기준",
    "완료 조건",
    "القبول",
    "معايير",
    "स्वीकृति",
    "स्वीकार",
    "मानदंड",
    "definition of done",
    "done when",
    "tiêu chí",
    "godkänn",
    "akseptan",
    "acceptatie",
];
const STORY: &[&str] = &[
    "user story",
    "objective",
    "historia de usuario",
    "história de usuário",
    "história do usuário",
    "récit utilisateur",
    "histoire utilisateur",
    "user-story",
    "nutzergeschichte",
    "anwendergeschichte",
    "пользовательская история",
    "история пользователя",
    "用户故事",
    "使用者故事",
    "ユーザーストーリー",
    "목적",
    "사용자 스토리",
    "قصة المستخدم",
    "उपयोगकर्ता कहानी",
    "目的",
];
const GLOSSARY: &[&str] = &[
    "glossar",
    "glosar",
    "术语",
    "術語",
    "用語",
    "용어",
    "глоссарий",
    "глосарій",
    "термины",
    "المصطلحات",
    "शब्दावली",
    "sözlük",
    "thuật ngữ",
    "definitions",
];
const QUESTIONS: &[&str] = &[
    "open question",
    "offene frage",
    "preguntas abiertas",
    "questões em aberto",
    "perguntas em aberto",
    "questions ouvertes",
    "domande aperte",
    "открытые вопросы",
    "відкриті питання",
    "未解決",
    "未决",
    "待确认",
    "待解决",
    "开放问题",
    "미해결",
    "열린 질문",
    "أسئلة مفتوحة",
    "खुले प्रश्न",
];
/// Lists below a requirement that are none of criteria.
const ASIDE: &[&str] = &[
    "test",
    "prueba",
    "teste",
    "prüf",
    "тест",
    "测试",
    "テスト",
    "테스트",
    "اختبار",
    "परीक्षण",
    "file",
    "archivo",
    "arquivo",
    "fichier",
    "datei",
    "файл",
    "文件",
    "ファイル",
    "파일",
    "step",
    "pasos",
    "passos",
    "étapes",
    "schritte",
    "шаги",
    "步骤",
    "手順",
    "단계",
    "note",
    "notas",
    "notiz",
    "hinweis",
    "примечан",
    "备注",
    "说明",
    "備考",
    "비고",
    "out of scope",
    "non-goal",
    "fuera de alcance",
    "fora do escopo",
    "hors périmètre",
    "nicht im umfang",
    "вне рамок",
    "范围外",
    "対象外",
    "범위 제외",
    "example",
    "ejemplo",
    "exemplo",
    "exemple",
    "beispiel",
    "пример",
    "示例",
    "例",
    "예시",
    "risk",
    "riesgo",
    "risco",
    "risque",
    "риск",
    "风险",
    "リスク",
    "priority",
    "prioridad",
    "prioridade",
    "priorité",
    "priorität",
    "приоритет",
    "优先级",
    "優先度",
    "우선순위",
    "depend",
    "зависи",
    "依赖",
    "依存",
    "rationale",
    "why this priority",
    "status",
    "implementation",
    "technical",
    "background",
    "context",
    "reference",
];
const SCENARIOS: &[&str] = &[
    "scenario",
    "escenario",
    "cenário",
    "scénario",
    "szenario",
    "сценарий",
    "сценарій",
    "场景",
    "情景",
    "シナリオ",
    "시나리오",
    "سيناريو",
    "परिदृश्य",
];
const ADVICE: &[&str] = &["leverage", "prompt"];
const TASKS: &[&str] = &[
    "task",
    "tasks",
    "step",
    "steps",
    "item",
    "任务",
    "任務",
    "タスク",
    "作業",
    "步骤",
    "ステップ",
    "작업",
    "태스크",
    "과제",
    "단계",
    "tarea",
    "tareas",
    "tarefa",
    "tarefas",
    "paso",
    "passo",
    "etapa",
    "aufgabe",
    "aufgaben",
    "schritt",
    "tâche",
    "tâches",
    "tache",
    "étape",
    "attività",
    "compito",
    "задача",
    "задачи",
    "задачу",
    "задач",
    "шаг",
    "завдання",
    "مهمة",
    "المهمة",
    "المهام",
    "خطوة",
    "कार्य",
    "चरण",
    "görev",
    "adım",
    "công việc",
    "nhiệm vụ",
    "zadanie",
    "úkol",
    "taak",
    "taken",
    "uppgift",
    "oppgave",
    "opgave",
    "tehtävä",
    "tugas",
    "feladat",
    "εργασία",
    "משימה",
    "งาน",
];
const NONE: &[&str] = &[
    "none",
    "no",
    "n/a",
    "na",
    "nil",
    "nothing",
    "no dependencies",
    "none (can start immediately)",
    "无",
    "無",
    "沒有",
    "没有",
    "无依赖",
    "不依赖",
    "なし",
    "無し",
    "ありません",
    "없음",
    "없습니다",
    "keine",
    "keiner",
    "nichts",
    "ninguna",
    "ninguno",
    "nenhuma",
    "nenhum",
    "sin dependencias",
    "sem dependências",
    "aucune",
    "aucun",
    "rien",
    "nessuna",
    "nessuno",
    "нет",
    "отсутствуют",
    "отсутствует",
    "немає",
    "لا يوجد",
    "لا شيء",
    "بدون",
    "कोई नहीं",
    "नहीं",
    "yok",
    "không",
    "không có",
    "brak",
    "žádné",
    "geen",
    "ingen",
    "inga",
    "ei mitään",
    "tidak ada",
    "nincs",
    "καμία",
    "אין",
    "ไม่มี",
];
/// Words between two numbers that mean all that is between them.
const RANGE: &[&str] = &[
    "to", "bis", "a", "à", "al", "au", "até", "hasta", "fino a", "до", "по", "至", "到", "から", "부터",
    "에서", "through", "thru", "إلى", "से", "t/m", "til", "till",
];
/// Words between two numbers that mean these two.
const AND: &[&str] = &[
    "and",
    "or",
    "und",
    "oder",
    "sowie",
    "y",
    "e",
    "o",
    "ou",
    "et",
    "и",
    "или",
    "та",
    "і",
    "和",
    "与",
    "及",
    "以及",
    "と",
    "および",
    "및",
    "와",
    "과",
    "그리고",
    "و",
    "और",
    "ve",
    "và",
    "i",
    "oraz",
    "en",
    "og",
    "och",
    "ja",
    "dan",
    "és",
    "και",
    "plus",
];

/// Returns what a label of a task's line is about; none when its words do not tell.
pub(super) fn kind(label: &str) -> Option<Kind> {
    let label = label.to_lowercase();
    let has = |stems: &[&str]| stems.iter().any(|stem| begins_word(&label, stem));
    Some(if has(ADVICE) {
        Kind::Advice
    } else if has(ACCEPTANCE) {
        Kind::Acceptance
    } else if has(DEPENDENCIES) {
        Kind::Dependencies
    } else if has(DEPENDENTS) {
        Kind::Dependents
    } else if has(REQUIREMENTS) || label == "req" {
        Kind::Requirements
    } else if has(BOUNDARY) {
        Kind::Boundary
    } else if has(EFFORT) {
        Kind::Effort
    } else {
        return None;
    })
}

/// Whether a stem stands at the start of a word; scripts without blanks have it anywhere.
fn begins_word(text: &str, stem: &str) -> bool {
    text.match_indices(stem).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        !stem.starts_with(char::is_lowercase) || before.is_none_or(|c| !c.is_alphabetic())
    })
}

/// Whether a text says that something waits for something.
pub(super) fn tells_dependency(text: &str) -> bool {
    let text = text.to_lowercase();
    let is_order =
        || ORDER.iter().any(|word| text.starts_with(word)) && text.bytes().any(|byte| byte.is_ascii_digit());
    DEPENDENCIES.iter().any(|stem| begins_word(&text, stem)) || is_order()
}

/// Whether a label is that of acceptance criteria.
pub(super) fn is_acceptance(label: &str) -> bool {
    kind(label) == Some(Kind::Acceptance)
}

/// Whether a label is that of a user story.
pub(super) fn is_story(label: &str) -> bool {
    let label = label.to_lowercase();
    STORY.iter().any(|stem| label.starts_with(stem))
}

pub(super) fn is_glossary(heading: &str) -> bool {
    let heading = heading.to_lowercase();
    GLOSSARY.iter().any(|stem| begins_word(&heading, stem))
}

pub(super) fn is_questions(heading: &str) -> bool {
    let heading = heading.to_lowercase();
    QUESTIONS.iter().any(|stem| heading.contains(stem))
}

/// Whether a label is that of a list of tests, files, steps or notes.
pub(super) fn is_aside(label: &str) -> bool {
    let label = label.to_lowercase();
    !is_acceptance(&label) && ASIDE.iter().any(|stem| begins_word(&label, stem))
}

/// Whether a heading is that of a scenario.
pub(super) fn is_scenario(heading: &str) -> bool {
    let heading = heading.trim_start_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    SCENARIOS.iter().any(|stem| heading.starts_with(stem))
}

/// Whether a word in front of a number is one for a requirement.
pub(super) fn is_requirement_word(word: &str) -> bool {
    kind(word) == Some(Kind::Requirements)
        || matches!(word, "fr" | "nfr" | "us" | "r" | "rf" | "rnf" | "br")
        || is_story(word)
}

/// Whether letters in front of a number are those of a criterion.
pub(super) fn is_criterion_word(word: &str) -> bool {
    matches!(word.to_uppercase().as_str(), "AC" | "A" | "C" | "CA" | "AK" | "KA" | "КП")
        || is_acceptance(word)
}

/// Whether a word in front of a number is one for a part of a text or of a schedule.
pub(super) fn is_structure(word: &str) -> bool {
    matches!(
        word.to_lowercase().as_str(),
        "phase"
            | "track"
            | "module"
            | "week"
            | "sprint"
            | "milestone"
            | "section"
            | "part"
            | "chapter"
            | "step"
            | "stage"
            | "appendix"
            | "version"
            | "task"
            | "level"
            | "v"
            | "fase"
            | "semana"
            | "kapitel"
            | "abschnitt"
            | "раздел"
            | "этап"
            | "фаза"
            | "阶段"
            | "フェーズ"
            | "단계"
            | "option"
            | "problem"
            | "issue"
    )
}

/// Whether a word is one for a task.
pub(super) fn is_task_word(word: &str) -> bool {
    let word = word.trim().to_lowercase();
    TASKS.contains(&word.as_str())
}

/// Whether a value says that there is nothing.
pub(super) fn is_none(value: &str) -> bool {
    let value = value
        .trim()
        .trim_matches(['.', '*', '_', '`', '。', '(', ')', '（', '）', '"'])
        .trim()
        .to_lowercase();
    let first = value.split(['(', '（', ',', '，', '—', '–', ';']).next().unwrap_or_default().trim();
    !value.chars().any(char::is_alphanumeric) || NONE.contains(&value.as_str()) || NONE.contains(&first)
}

pub(super) fn is_range_word(word: &str) -> bool {
    RANGE.contains(&word)
}

pub(super) fn is_and_word(word: &str) -> bool {
    AND.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_known_in_many_languages() {
        for (label, expected) in [
            ("Depends on", Some(Kind::Dependencies)),
            ("Abhängigkeiten", Some(Kind::Dependencies)),
            ("依存関係", Some(Kind::Dependencies)),
            ("Requirements", Some(Kind::Requirements)),
            ("Validates", Some(Kind::Requirements)),
            ("Critérios de Aceitação", Some(Kind::Acceptance)),
            ("Независимые", None),
            ("Independent", None),
            ("Files to Create/Modify", Some(Kind::Boundary)),
            ("Profile", None),
            ("Tests Required", None),
            ("Req", Some(Kind::Requirements)),
        ] {
            assert_eq!(kind(label), expected, "{label}");
        }
        assert!(is_none("—") && is_none("None (first task)") && !is_none("Postgres"));
    }
}
