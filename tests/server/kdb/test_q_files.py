"""The .q files, read and not run: they are whole, know every word they use, and never take input for code."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from consent.catalogue import TABLES, Across, Kind, Table
from tests.server.kdb.engine import Q_FILES

FILES = sorted(Q_FILES.glob("*.q"))
#: Only KX's engine runs these; the only place for what reaches beyond the process.
ISOLATED = {"kx.q", "sym.q"}
#: Before an argument of a call becomes a value of another kind, it must not pass any of these.
EVALUATES = {"eval", "parse", "reval", "value", "get", "system", "exit", "load", "rload", "hopen", "setenv", "getenv"}
#: The places where one of them stands on something that is ours: a path, a log, an enumeration, an own file name.
ALLOWED = {
    "smp.q": ['{system"l ",.smp.here,x}each("schema.q";'],
    "ingest.q": ["each get f;", "{count get x}"],
    "query.q": ["where 20h<=type each flip x;value]", "@[get;` sv .smp.root[g],`sym;0#`]", "get .smp.path[g;d;t]"],
    "retention.q": ["get` sv .smp.root[.smp.gen],`batches"],
    "kx.q": ["(f;hopen f)"],
    "plant.q": ["{hopen hsym`$first read0 hsym`$first .smp.options x}"],
    "sym.q": ["m:get .u.L", "h:hopen f;", "hopen .u.L", 'system"mv ",(1_string f)," ",1_string .u.L;'],
}
WORDS = (
    "abs all and any asc avg by ceiling cols count cut delete"
    " desc distinct div each enlist except exec first flip "
    "floor from group hclose hcount hdel hsym if in insert inter key last like max md5 mod neg not null or raze read0 "
    "select set string sum sv til type union update upsert vs where within xasc xcol"
)
KEYWORDS = set(WORDS.split()) | EVALUATES
PROVIDED = set(".Q.en .Q.opt .Q.t .Q.w .z.K .z.d .z.f .z.k .z.o .z.p .z.s .z.u .z.w .z.x".split())
HANDLERS = set(".z.pg .z.ph .z.pm .z.pp .z.pq .z.ps .z.pw .z.ws".split())
#: Of KX's tick.q, around sym.q.
PLANT = set(".u.L .u.i .u.j .u.l .u.sub".split())
COLUMNS = {column.name for table in TABLES.values() for column in table.wire_columns} | {"sym"}

TOKEN = re.compile(
    r"""
    (?P<string>"(?:[^"\\]|\\.)*")
  | (?P<symbol>`:?[A-Za-z0-9_.:/]*)
  | (?P<number>0x[0-9a-f]*|\d[\w.:]*|(?<=[\s;(\[{,$*:!'|&+#=])-?\.?\d[\w.:]*)
  | (?P<name>\.?[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*)
  | (?P<rest>.|\n)
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Source:
    """One file without its comments."""

    name: str
    code: str

    def tokens(self) -> list[tuple[str, str]]:
        """(kind, text), strings and symbols whole."""
        return [(match.lastgroup or "", match[0]) for match in TOKEN.finditer(self.code)]


def code_of(text: str) -> str:
    """Without comments: a line that begins with a slash, and what follows a blank and a slash outside of a string."""
    lines = []
    for line in text.splitlines():
        in_string = escaped = False
        for position, letter in enumerate(line):
            if not in_string and letter == "/" and (position == 0 or line[position - 1] in " \t"):
                line = line[:position].rstrip()
                break
            in_string ^= letter == '"' and not escaped
            escaped = in_string and letter == "\\" and not escaped
        lines.append(line)
    return "\n".join(lines) + "\n"


def source(path: Path) -> Source:
    """One file."""
    return Source(path.name, code_of(path.read_text(encoding="ascii")))


def defined(one: Source) -> set[str]:
    """Names that a file assigns, takes as parameters, or names as columns."""
    names = set(re.findall(r"(?<![`\w.])(\.?[A-Za-z][\w.]*)(?:\[[^\[\]]*\])?[-+*,|&]?::?(?!=)", one.code))
    for parameters in re.findall(r"\{\[([\w;]*)\]", one.code):
        names.update(parameters.split(";"))
    return names | set(re.findall(r"\(\[\]([a-z]+);", one.code)) | {"x", "y", "z"}


ALL = [source(path) for path in FILES]
DEFINED = {name for one in ALL for name in defined(one)}


@pytest.fixture(name="one", params=ALL, ids=[one.name for one in ALL])
def _one(request: pytest.FixtureRequest) -> Source:
    found = request.param
    assert isinstance(found, Source)
    return found


def test_the_files_are_those_that_are_described() -> None:
    assert {path.name for path in FILES} == {
        "access.q",
        "ingest.q",
        "kx.q",
        "plant.q",
        "query.q",
        "retention.q",
        "schema.q",
        "smp.q",
        "sym.q",
    }
    readme = (Q_FILES / "README.md").read_text(encoding="utf-8")
    assert all(f"`{path.name}`" in readme for path in FILES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_lines_are_plain_and_short(path: Path) -> None:
    text = path.read_text(encoding="ascii")
    assert text.endswith("\n") and "\t" not in text and "\r" not in text
    assert not [line for line in text.splitlines() if len(line) > 120 or line != line.rstrip()]
    assert not re.search(r"^[/\\]$", text, re.MULTILINE), "a block comment hides code from this test"
    assert path.name not in ISOLATED or text.startswith("/ NOT EXECUTED WITHOUT A LICENCE")


def test_brackets_and_strings_are_closed(one: Source) -> None:
    tokens, open_brackets = one.tokens(), list[str]()
    assert not [text for kind, text in tokens if kind == "rest" and text == '"'], "a string does not end"
    for kind, text in tokens:
        if kind == "rest" and text in "([{":
            open_brackets.append(text)
        elif kind == "rest" and text in ")]}":
            assert open_brackets and open_brackets.pop() + text in ("()", "[]", "{}")
    assert not open_brackets


def test_a_statement_begins_at_the_margin_and_ends_before_the_next(one: Source) -> None:
    depth = 0
    for line in one.code.splitlines():
        assert not line or line.startswith(" ") or depth == 0, f"{line!r} stands inside of brackets"
        depth += sum((text in "([{") - (text in ")]}") for kind, text in Source("", line).tokens() if kind == "rest")


def unknown(one: Source) -> set[str]:
    """Words that are neither q's, nor defined in any file, nor columns."""
    known = DEFINED | KEYWORDS | PROVIDED | HANDLERS | COLUMNS | (PLANT if one.name in ISOLATED else set())
    return {text for kind, text in one.tokens() if kind == "name"} - known


def test_every_word_is_known(one: Source) -> None:
    assert not unknown(one)


def test_nothing_is_evaluated_but_what_is_listed(one: Source) -> None:
    code = one.code
    for place in ALLOWED.get(one.name, []):
        assert code.count(place) == 1, f"{place} is listed and not there"
        code = code.replace(place, "")
    left = {text for kind, text in Source(one.name, code).tokens() if kind == "name"} & EVALUATES
    assert not left
    assert not re.search(r"^\\", code, re.MULTILINE), "a backslash command"
    # -8! and -9! are bytes and back; the RDB's handler takes them from its own plant only.
    assert one.name in ISOLATED or not re.search(r"-\d+!", re.sub(r"-[89]!", "", code)), "an internal function"
    assert one.name == "plant.q" or "-9!" not in code


def shadowed(one: Source) -> list[str]:
    """Statements with a parameter i and a query in words: there i is the number of the row, whatever came in."""
    statements = re.split(r"\n(?=\S)", one.code)
    takes_i, asks = re.compile(r"\{\[(?:\w+;)*i(?:;\w+)*\]"), re.compile(r"\b(?:select|exec|update|delete)\b")
    return [text for text in statements if takes_i.search(text) and asks.search(text)]


def test_no_parameter_is_taken_for_the_number_of_a_row(one: Source) -> None:
    assert not shadowed(one)
    assert shadowed(Source("bad.q", "f:{[i;t]\n select from t where sym=i}\ng:{x}\n"))


def test_the_static_check_sees_what_it_should() -> None:
    bad = Source("access.q", code_of('f:{value x} / value "\n.z.pg:{[q]eval parse q}\ng:"value"\n'))
    assert {text for kind, text in bad.tokens() if kind == "name"} & EVALUATES == {"value", "eval", "parse"}
    assert code_of('a:"/ no \\" /comment" / comment\n/ line\n') == 'a:"/ no \\" /comment"\n\n'
    assert defined(bad) >= {"f", ".z.pg", "q"}
    wrong = Source("query.q", source(Q_FILES / "query.q").code.replace(".smp.plain ?[", ".smp.plane ?["))
    assert unknown(wrong) == {".smp.plane"}


NULLS = {"0Np": Kind.TIME, "0Nh": Kind.INT16, "0n": Kind.FLOAT, "0N": Kind.INT64, "`": Kind.SYMBOL}


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_the_schema_is_the_catalogue(table: Table) -> None:
    code = source(Q_FILES / "schema.q").code
    found = re.search(rf"^{table.name}:flip((?:`\w+)+)!\s*0#'\(([^)]*)\)", code, re.MULTILINE)
    assert found
    kinds = dict(zip(found[1].split("`")[1:], found[2].split(";"), strict=True))
    assert list(kinds)[:2] == ["time", "sym"] and kinds.pop("sym") == "0Ng"
    assert {name: NULLS[null] for name, null in kinds.items()} == {one.name: one.kind for one in table.wire_columns}
    assert list(kinds) == [column.name for column in table.wire_columns]


def test_how_parts_are_joined_and_what_may_be_null_is_the_catalogues() -> None:
    code = source(Q_FILES / "schema.q").code
    parts = re.search(r"\.smp\.part:\.smp\.tables!((?:`\w*)+)", code)
    nullable = re.search(r"\.smp\.nullable:\.smp\.tables!\((.*)\)", code)
    across = re.search(r"\.smp\.across:\.smp\.tables!\((.*)\)", code)
    assert parts and nullable and across
    assert parts[1].split("`")[1:] == [table.part.name if table.part else "" for table in TABLES.values()]
    assert [re.findall(r"`(\w+)", names) for names in nullable[1].split(";")] == [
        [column.name for column in table.columns if column.nullable] for table in TABLES.values()
    ]
    names = {Across.MEAN: "avg", Across.SUM: "sum", Across.MAX: ".smp.top"}
    assert expanded(across[1]) == [names[column.across] for table in TABLES.values() for column in table.columns]


def expanded(text: str) -> list[str]:
    """``7#enlist avg;(sum;avg)`` as the list it stands for."""
    return (
        re.sub(r"(\d+)#enlist ([\w.]+)", lambda m: ";".join([m[2]] * int(m[1])), text)
        .strip("()")
        .replace("(", "")
        .split(";")
    )


def test_what_may_be_called_is_what_the_readme_says() -> None:
    allowed = re.findall(r"\(`(\.smp\.\w+);\(\1;", source(Q_FILES / "access.q").code)
    readme = (Q_FILES / "README.md").read_text(encoding="utf-8")
    described = re.findall(r"^\| `(\.smp\.\w+)` \|", readme.split("### Executed on what")[0], re.MULTILINE)
    assert allowed == described and len(allowed) == 16
