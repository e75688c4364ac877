"""The desk's words: every name that a page says is in both languages, those that are put together too, and no other."""

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from string import Formatter
from typing import get_args

from jinja2 import Environment, nodes

from service.desk import why, words
from service.desk.cards import CONFIRMING
from service.desk.rendering import FOLDER
from service.model import Action, ActorKind, Status, Why
from service.moderation import bulk, undos
from service.reading.shapes import WhyCode
from service.triage import document, starters
from service.triage.condition import BUILT_IN
from service.triage.lists.entry import ListKind
from service.triage.outcome import Outcome
from service.triage.rule import Mode
from service.web.desk import ruled
from service.web.desk.acts import CONFLICTS
from service.web.incoming import RequestedAction
from service.web.outgoing import ActionName
from service.web.outgoing_queue import PartView

STAYS = {*bulk.Stay, *undos.Stay}
PREFIXES: Mapping[str, Iterable[str]] = {
    "actor.": [ActorKind.POLICY, ActorKind.SYSTEM],
    "brake.": ["per-day", "share", "wrong"],
    "bulk.confirm.": get_args(RequestedAction),
    "conflict.": [problem.code for problem in CONFLICTS],
    "did.": {*Action, *get_args(ActionName)},
    "filter.": ["rule", "list", "check", "outcome"],
    "filter.reason.": get_args(WhyCode),
    "language.": words.CODES,
    "list.how.": ListKind,
    "list.kind.": ListKind,
    "list.not-how.": ListKind,
    "policy.": ["read", "edit", "trial", "versions"],
    "rule.mode.": [mode for mode in Mode if mode is not Mode.LIVE],
    "rule.then.": Outcome,
    "starter.": starters.names(),
    "status.": Status,
    "stayed.": STAYS,
    "stays.": STAYS,
    "trial.outcome.": Outcome,
    "urgency.": get_args(PartView.__annotations__["code"]),
    "why.": Why,
}
"""What templates put behind a beginning, where they do not list it themselves."""
OF_BUTTONS = ["approve", "reject", "spam", "restore", "delete", "discard_edit", "approve.edit", "reject.edit"]
MADE: Mapping[str, Iterable[str]] = {
    "do": [*OF_BUTTONS, "approve.again", *(f"confirm.{CONFIRMING[status]}" for status in ruled.STATUSES)],
    "ruled": [*Outcome, "unknown"],
    "ruled.other": Outcome,
    "older": ["comments", "record"],
    "people": BUILT_IN,
    "filter.outcome": ["hold", "reject", "spam", "publish"],
    "fact.any": ["true", "false", "names", "one", "other", "share"],
}
"""What views put together, and what templates hand to each other."""
MAY_BE_MISSING = ("fact.", "check.", "saw.", "list.not-how.")
"""Where there are none, something else is said: the name itself, the service's English, or nothing."""
NUMBERS = re.compile(r"\.(one|other|none|some|share|names|true|false)$")


class Said:
    """The names that a template says, and all texts in its expressions."""

    def __init__(self, template: Path) -> None:
        self.names: set[str] = set()
        self.texts: set[str] = set()
        self._walk(Environment(autoescape=True).parse(template.read_text("utf-8")), {})

    def _walk(self, node: nodes.Node, listed: Mapping[str, list[str]]) -> None:
        if isinstance(node, nodes.For):
            listed = {**listed, **_listed(node)}
        if isinstance(node, nodes.Const) and isinstance(node.value, str):
            self.texts.add(node.value)
        if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in ("say", "many"):
            found = _values(node.args[0], listed)
            counted = node.node.name == "many"
            self.names |= {f"{name}.{form}" for name in found for form in ("one", "other")} if counted else set(found)
        for child in node.iter_child_nodes():
            self._walk(child, listed)


def _listed(loop: nodes.For) -> dict[str, list[str]]:
    """What a loop goes through, where the template says it: by the names that it gives them."""
    targets = loop.target.items if isinstance(loop.target, nodes.Tuple) else [loop.target]
    rows = loop.iter.items if isinstance(loop.iter, (nodes.Tuple, nodes.List)) else []
    columns = zip(*(row.items if isinstance(row, nodes.Tuple) else [row] for row in rows), strict=True)
    return {
        target.name: [str(item.value) for item in column if isinstance(item, nodes.Const)]
        for target, column in zip(targets, columns, strict=False)
        if isinstance(target, nodes.Name)
    }


def _values(said: nodes.Expr, listed: Mapping[str, list[str]]) -> list[str]:
    """What an expression can be. A name or a member that comes from elsewhere is made by the view: see MADE."""
    match said:
        case nodes.Const():
            return [str(said.value)]
        case nodes.CondExpr(expr2=nodes.Expr() as other):
            return _values(said.expr1, listed) + _values(other, listed)
        case nodes.Concat(nodes=[nodes.Const(value=beginning), nodes.Name(name=name)]) if name in listed:
            return [f"{beginning}{end}" for end in listed[name]]
        case nodes.Concat(nodes=[nodes.Const(value=beginning), _]):
            return [f"{beginning}{end}" for end in PREFIXES[beginning]]
        case nodes.Name(name=name):
            return listed.get(name, [])
        case nodes.Getattr():
            return []
    raise AssertionError(said)


def _said() -> set[str]:
    """Everything that templates say, and that views put together for them."""
    templates = [name for path in FOLDER.glob("*.html") for name in Said(path).names]
    return {*templates, *(f"{beginning}.{end}" for beginning, ends in MADE.items() for end in ends)}


def _texts_in_code() -> Iterator[str]:
    """Each text that stands in the code of the desk, and each beginning of one."""
    for path in [*words.FOLDER.parent.glob("*.py"), *Path(ruled.__file__).parent.glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_everything_that_is_said_has_words_in_each_language() -> None:
    said = _said()
    assert len(said) > 300
    for code in words.CODES:
        missing = {name for name in said if not name.startswith(MAY_BE_MISSING)} - words.named(code).words.keys()
        assert not missing, (code, sorted(missing))


def test_templates_have_no_quotation_marks_of_one_language() -> None:
    """They are written otherwise in each: `quoted` says how."""
    for path in FOLDER.glob("*.html"):
        assert not re.search("[“”„‚‘’«»‹›]", path.read_text("utf-8")), path.name


def test_what_goes_with_a_number_or_a_share_has_words() -> None:
    for code in words.CODES:
        known = words.named(code).words
        for counted in why._COUNTED:
            assert f"saw.{counted}.one" in known
            assert f"saw.{counted}.other" in known
        assert {f"saw.{share}" for share in why._SHARES} <= known.keys()


def test_no_words_are_there_for_nobody() -> None:
    """But those of facts and of what checks saw: which there are is known to the tests of checks."""
    in_templates = {text for path in FOLDER.glob("*.html") for text in Said(path).texts}
    spoken = _said() | in_templates | set(_texts_in_code())
    unused = {name for name in _own("en") if not {name, NUMBERS.sub("", name)} & spoken}
    assert not {name for name in unused if not name.startswith((*MAY_BE_MISSING, "age.", "amount."))}


def test_all_languages_say_the_same() -> None:
    english = _own("en")
    for code in words.CODES:
        other = _own(code)
        assert english.keys() == other.keys()
        assert [name for name in english if _values_in(english[name]) != _values_in(other[name])] == []


def _templates() -> set[str]:
    """Every template of what is said of a policy: what its reader hands to these functions as a text."""
    place = {"Message": 0, "wrong": 0, "_named": 2}
    found: set[str] = set()
    for path in Path(document.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                given = node.args[place[name]] if len(node.args) > place.get(name, 9) else ast.Constant(None)
                options = [given.body, given.orelse] if isinstance(given, ast.IfExp) else [given]
                found |= {one.value for one in options if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    return found


def test_what_is_wrong_with_a_policy_is_said_in_each_language() -> None:
    templates = _templates()
    assert len(templates) > 50
    for code in set(words.CODES) - {"en"}:
        other = words._templates(code)
        assert other.keys() == templates
        assert [one for one in templates if _fields(one) != _fields(other[one])] == []


def _fields(template: str) -> list[str]:
    return sorted(str(name) for _, name, _, _ in Formatter().parse(template) if name is not None)


def _own(code: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((words.FOLDER / f"{code}.json").read_text("utf-8"))
    return found


def _values_in(text: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", text))
