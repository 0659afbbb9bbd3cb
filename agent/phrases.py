"""What the consent screens say, per locale. ``{name}`` is filled in with ``str.format``, and keys stand
in backticks.

A locale is complete by construction: every phrase is a required field. A test checks that the names in braces agree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: The longest term that is offered; the phrases name it.
LONGEST_TERM_DAYS = 365


@dataclass(frozen=True, slots=True)
class Phrases:  # pylint: disable=too-many-instance-attributes  # one per phrase, so that mypy sees a missing one
    """Every phrase of one locale. ``yes`` and ``no`` are the accepted answers; ``sign`` is the word to type at last.

    ``purposes`` says the server's purpose codes in words; a code that is not in it is shown as it is.
    """

    locale: str
    yes: tuple[str, ...]
    no: tuple[str, ...]
    sign: str
    step_tables: str
    step_term: str
    step_quiz: str
    step_sign: str
    server: str
    key: str
    key_is_pinned: str
    start_hint: str
    start_question: str
    start_read: str
    start_go_on: str
    pager: str
    pager_back: str
    pager_end: str
    notice_text: str
    tables_hint: str
    purpose: str
    purposes: Mapping[str, str]
    figures: str
    reveals: str
    how_often: str
    every: str
    table_question: str
    answer_yes_or_no: str
    nothing_granted: str
    term_hint: str
    terms: tuple[tuple[int, str], ...]
    term_until: str
    term_other: str
    term_question: str
    term_unknown: str
    quiz_intro: str
    quiz_question: str
    quiz_right: str
    quiz_wrong: str
    quiz_unknown: str
    granted: str
    refused: str
    until: str
    days: str
    controller: str
    text: str
    sign_title: str
    sign_before: str
    sign_after: str
    sign_owner: str
    sign_question: str
    left: str
    done: str
    done_until: str
    next_title: str
    next_run: str
    next_preview: str
    next_dashboard: str
    next_revoke: str
    revoked: str
    erased: str
    rows: str
    proof_until: str
    never_arrived: str
    not_delivered: str
    code_title: str
    code_write_down: str
    code_use: str
    code_kept: str
    code_none: str


ENGLISH = Phrases(
    locale="en",
    yes=("y", "yes"),
    no=("", "n", "no"),
    sign="yes",
    step_tables="1 of 4 · What you share",
    step_term="2 of 4 · For how long",
    step_quiz="3 of 4 · Three questions",
    step_sign="4 of 4 · Your signature",
    server="Server",
    key="Key",
    key_is_pinned="as in your link",
    start_hint="You can leave at every step with `q`; before you sign, nothing is read or sent.",
    start_question="`r` read the full text   `g` go on   `Enter` leave",
    start_read="r",
    start_go_on="g",
    pager="{seen} %   `Enter` next page   `b` back   `e` end of reading   `q` leave",
    pager_back="b",
    pager_end="e",
    notice_text="Notice {version} · SHA-256 {sha256}",
    tables_hint="Each kind is a question of its own. Enter alone means no.",
    purpose="For",
    purposes={"monitoring-load-over-time": "showing how the load of real machines changes over time"},
    figures="Figures",
    reveals="Can show",
    how_often="How often",
    every="at most once every {seconds} s",
    table_question="Share {table}?   `y` yes   `n` no",
    answer_yes_or_no="Please type `y` or `n`.",
    nothing_granted="You said no to everything, and that is that: nothing was made, read or sent.",
    term_hint="Your consent ends by itself. You can withdraw it sooner at any time.",
    terms=((365, "12 months"), (182, "6 months"), (91, "3 months"), (30, "1 month")),
    term_until="until {date}",
    term_other="or a number of days from `1d` to `365d`",
    term_question="Which term?   `1` `2` `3` `4` or days",
    term_unknown="Please type 1, 2, 3, 4 or a number of days from 1d to 365d.",
    quiz_intro="To be sure that the text is clear. A wrong answer explains and asks again.",
    quiz_question="Your answer?   {keys}",
    quiz_right="Right.",
    quiz_wrong="Not quite.",
    quiz_unknown="Please type {keys}, or `q` to leave.",
    granted="yes",
    refused="no",
    until="Until",
    days="{date}, in {days} days",
    controller="To",
    text="Text",
    sign_title="This is what you sign",
    sign_before="So far nothing was made, read from this machine or sent.",
    sign_after="After your yes: a key is made here, signs this and your answers, and they go to the server.",
    sign_owner="You say with it that you are at least 18 and may decide about this machine.",
    sign_question="Type `yes` to sign; anything else leaves",
    left="No it is. Nothing was made, read or sent.",
    done="Signed, and confirmed by the server.",
    done_until="Your consent holds until {date}. You appear as {alias}.",
    next_title="What you can do now",
    next_run="sample and send",
    next_preview="see exactly what would be sent",
    next_dashboard="see your machine on the dashboard",
    next_revoke="stop for good and have the samples erased",
    revoked="Withdrawn. Nothing is sampled any more, and what waited here is deleted.",
    erased="The server has erased every sample of this machine and signed a receipt for it.",
    rows="Erased",
    proof_until="Proof kept until",
    never_arrived="The server never had your consent, so there was nothing to erase. Key and documents are deleted.",
    not_delivered=(
        "Withdrawn on this machine: nothing is sampled any more. The server cannot be reached and does not know yet. "
        "The running agent tries again; so does the same command."
    ),
    code_title="Your withdrawal code",
    code_write_down="Write it down on paper now. It is shown once and kept nowhere on this machine.",
    code_use="If this machine is lost, type it here, on any device: it withdraws, and the samples are erased.",
    code_kept="withdrawal code made {date}; a new one: `sysmetric consent code --new`",
    code_none="no withdrawal code; to get one: `sysmetric consent code --new`",
)

POLISH = Phrases(
    locale="pl",
    yes=("t", "tak"),
    no=("", "n", "nie"),
    sign="tak",
    step_tables="1 z 4 · Co udostępniasz",
    step_term="2 z 4 · Na jak długo",
    step_quiz="3 z 4 · Trzy pytania",
    step_sign="4 z 4 · Twój podpis",
    server="Serwer",
    key="Klucz",
    key_is_pinned="jak w odnośniku",
    start_hint="`q` zawsze kończy; przed podpisem nic nie jest odczytywane ani wysyłane.",
    start_question="`c` czytaj cały tekst   `d` dalej   `Enter` wyjście",
    start_read="c",
    start_go_on="d",
    pager="{seen} %   `Enter` dalej   `w` wstecz   `k` koniec czytania   `q` wyjście",
    pager_back="w",
    pager_end="k",
    notice_text="Tekst {version} · SHA-256 {sha256}",
    tables_hint="O każdy rodzaj pytamy osobno. Sam Enter oznacza „nie”.",
    purpose="Po co",
    purposes={"monitoring-load-over-time": "pokazywanie, jak obciążenie prawdziwych komputerów zmienia się w czasie"},
    figures="Dane",
    reveals="Może pokazać",
    how_often="Jak często",
    every="najwyżej raz na {seconds} s",
    table_question="Udostępnić {table}?   `t` tak   `n` nie",
    answer_yes_or_no="Wpisz `t` albo `n`.",
    nothing_granted="Na wszystko „nie”, i na tym koniec: nic nie powstało, nie zostało odczytane ani wysłane.",
    term_hint="Zgoda wygasa sama. W każdej chwili możesz ją wycofać wcześniej.",
    terms=((365, "12 miesięcy"), (182, "6 miesięcy"), (91, "3 miesiące"), (30, "1 miesiąc")),
    term_until="do {date}",
    term_other="albo liczba dni od `1d` do `365d`",
    term_question="Który okres?   `1` `2` `3` `4` lub dni",
    term_unknown="Wpisz 1, 2, 3, 4 albo liczbę dni od 1d do 365d.",
    quiz_intro="Aby upewnić się, że tekst jest jasny. Po złej odpowiedzi jest wyjaśnienie i pytanie wraca.",
    quiz_question="Twoja odpowiedź?   {keys}",
    quiz_right="Dobrze.",
    quiz_wrong="Niezupełnie.",
    quiz_unknown="Wpisz {keys} albo `q`, aby wyjść.",
    granted="tak",
    refused="nie",
    until="Do dnia",
    days="{date}, dni: {days}",
    controller="Komu",
    text="Tekst",
    sign_title="To podpisujesz",
    sign_before="Dotąd nic nie powstało, nie zostało odczytane z tego komputera ani wysłane.",
    sign_after="Gdy odpowiesz „tak”: powstanie tu klucz, podpisze ten tekst i Twoje odpowiedzi i trafią one na serwer.",
    sign_owner="Oświadczasz też, że masz ukończone 18 lat i możesz decydować o tym komputerze.",
    sign_question="Wpisz `tak`, aby podpisać; wszystko inne kończy",
    left="Zatem nie. Nic nie powstało, nie zostało odczytane ani wysłane.",
    done="Podpisane i potwierdzone przez serwer.",
    done_until="Zgoda obowiązuje do {date}. Twój komputer występuje jako {alias}.",
    next_title="Co możesz teraz zrobić",
    next_run="pobieraj i wysyłaj próbki",
    next_preview="zobacz dokładnie, co zostałoby wysłane",
    next_dashboard="zobacz swój komputer na stronie",
    next_revoke="zakończ na dobre i usuń próbki",
    revoked="Zgoda wycofana. Nic już nie jest pobierane, a to, co tu czekało, jest usunięte.",
    erased="Serwer usunął wszystkie próbki z tego komputera i podpisał potwierdzenie.",
    rows="Usunięto",
    proof_until="Dowód do dnia",
    never_arrived="Serwer nie miał Twojej zgody, więc nie było czego usuwać. Klucz i dokumenty są usunięte.",
    not_delivered=(
        "Zgoda wycofana na tym komputerze: nic już nie jest pobierane. Serwer jest nieosiągalny i jeszcze nie wie. "
        "Działający program spróbuje ponownie; to samo polecenie także."
    ),
    code_title="Twój kod wycofania",
    code_write_down="Zapisz go teraz na kartce. Jest pokazywany raz i nie zostaje nigdzie na tym komputerze.",
    code_use="Gdy stracisz komputer, wpisz go tutaj na dowolnym urządzeniu: zgoda wygaśnie, a próbki zostaną usunięte.",
    code_kept="kod wycofania z {date}; nowy: `sysmetric consent code --new`",
    code_none="nie ma kodu wycofania; aby go dostać: `sysmetric consent code --new`",
)

PHRASES: dict[str, Phrases] = {phrases.locale: phrases for phrases in (ENGLISH, POLISH)}


def phrases_for(locale: str) -> Phrases:
    """The phrases that go with a text in ``locale``; English where there are none."""
    return PHRASES.get(locale, ENGLISH)


def wished_locale(environ: Mapping[str, str], known: Sequence[str] = tuple(PHRASES)) -> str | None:
    """The language of the environment (LC_ALL, LC_MESSAGES, LANG, in POSIX order) if it is one of ``known``."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = environ.get(name)
        if value:
            language = value.partition(".")[0].partition("_")[0].lower()
            return language if language in known else None
    return None
