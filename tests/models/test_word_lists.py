"""Word lists and clauses, as spreadsheets and editors write them: read exactly, or refused with line and likely fix."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from brainsim.errors import LexiconError
from brainsim.models.nemo.clauses import read_clauses
from brainsim.models.nemo.lexicon import Lexicon, read_lexicon
from checkout import ROOT
from terminal import brainsim

NOUN_VERB = ROOT / "experiments" / "noun_verb.py"
PLAIN = "word,class,size\ndog,noun,2.5\nrun,verb,1\n"
CLAUSES = "role\torder\tsubj\tverb\tobj\nMother\tSV\tdog\trun\t\n"


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "list.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        b"\xef\xbb\xbf" + PLAIN.encode(),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.replace(",", " ,\t"),
        PLAIN.replace("dog", "\u00a0dog\u00a0"),
        PLAIN.replace("\n", "\n\n") + ",,\n",
        "\n".join(line + ",," for line in PLAIN.splitlines()),
        '"word","class","size"\n"dog","noun","2.5"\n"run","verb","1"\n',
        PLAIN.replace("class", "lexical_class"),
    ],
    ids="plain bom crlf cr blanks nbsp blank-lines blank-columns quoted other-column".split(),
)
def test_a_list_is_the_same_in_every_form_of_file(content: str | bytes, tmp_path: Path) -> None:
    lexicon = read_lexicon(written(tmp_path, content))
    assert lexicon == Lexicon(("dog",), ("run",), {"dog": (2.5,), "run": (1.0,)}, ("size",))
    assert lexicon.notes == ()


REFUSED = {
    "utf-16": (PLAIN.encode("utf-16"), "is UTF-16 text; save it as UTF-8"),
    "utf-32": (PLAIN.encode("utf-32"), "is UTF-32 text"),
    "latin-1": (PLAIN.replace("dog", "Tür").encode("latin-1"), r"line 2: is not UTF-8 text \(byte 0xfc\)"),
    "nul": (PLAIN.replace("dog", "do\0g"), "line 2: has a NUL character"),
    "empty": ("", "is empty"),
    "blank": ("\n,,\n", "is empty"),
    "header only": ("word,class\n", "is empty; it needs a header with the names of the columns, and rows"),
    "semicolons": (PLAIN.replace(",", ";"), "columns separated by semicolons; separate them by commas"),
    "tabs": (PLAIN.replace(",", "\t"), "columns separated by tabs"),
    "comment": ("# mine\n" + PLAIN, "column 'word' is missing; found: # mine"),
    "capitals": (PLAIN.replace("word", "Word"), "column 'word' is missing; found: Word"),
    "repeated column": ("word,class,v,v\ndog,noun,1,2\n", r"line 1: column 'v' comes twice \(columns 3 and 4\)"),
    "nameless column": ("word,,class\ndog,1,noun\n", "line 1: column 2 has no name"),
    "two classes": ("word,class,lexical_class\ndog,noun,verb\n", "has columns 'class' and 'lexical_class'; keep one"),
    "short row": (PLAIN + "eat,verb\n", r"line 4: must have 3 columns, as the header has \(got 2\)"),
    "long row": (PLAIN + "eat,verb,1,5\n", r"line 4: must have 3 columns, as the header has \(got 4\)"),
    "open quotation": ('word,class\n"dog,noun\nrun,verb\n', "line 2: cannot be read as a table .*quotation marks"),
    "repeated word": (PLAIN + "dog,noun,1\n", "line 4: word 'dog' comes twice; keep one row"),
    "two forms": (
        PLAIN.replace("dog", "café") + "cafe\u0301,noun,1\n",
        r"line 4, .*looks different.*line 2.*'caf\\xe9'",
    ),
    "joiner": (PLAIN + "do\u200dg,noun,1\n", "line 4, column 'word': must be a word that looks different"),
    "zero width": (PLAIN.replace("dog", "dog\u200b"), "line 2, column 'word': .*delete the character U\\+200B ZERO"),
    "newline": (PLAIN.replace("dog", '"do\ng"'), r"line 2, column 'word': .*delete the character U\+000A"),
    "after a newline": (PLAIN.replace("2.5", '"2\n5"') + "eat,verb\n", "line 5: must have 3 columns"),
    "nbsp": (PLAIN.replace("dog", "ice\u00a0tea"), r"replace the character U\+00A0 NO-BREAK SPACE by a space"),
    "no word": (PLAIN.replace("dog", ""), "line 2, column 'word': must be a word .*write one"),
    "decimal commas": (PLAIN.replace("2.5", '"2,5"').replace(",1\n", ',"1,0"\n'), "line 2, column 'size': .*write 3.5"),
    "one decimal comma": (PLAIN.replace("2.5", '"2,5"'), r"line 2, column 'size': .*\(got '2,5'\); write 3.5"),
    "thousands": (PLAIN.replace("2.5", '"2,000"').replace(",1\n", ',"1,000"\n'), "line 2, column 'size': .*write 3.5"),
    "per cent": (PLAIN.replace("2.5", "2 %").replace(",1\n", ",1 %\n"), "line 2, column 'size': "),
    "underscore": (PLAIN.replace("2.5", "2_5"), "line 2, column 'size': "),
    "text and a number": (PLAIN.replace("2.5", "big"), "line 2, column 'size': .*fill it in, leave out the row"),
    "not rated": (PLAIN.replace(",1\n", ",\n"), "line 3, column 'size': .*fill it in"),
    "infinite": (PLAIN.replace("2.5", "inf"), "line 2, column 'size': must be a finite number"),
    "no verb": ("word,class\ndog,noun\n", "has no verb"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_invalid_list_is_refused_with_the_place_of_the_error(case: str, tmp_path: Path) -> None:
    content, message = REFUSED[case]
    with pytest.raises(LexiconError, match=message):
        read_lexicon(written(tmp_path, content))


def test_two_forms_of_a_word_are_refused_even_where_homographs_are_dropped(tmp_path: Path) -> None:
    path = written(tmp_path, PLAIN.replace("dog", "café") + "cafe\u0301,verb,1\n")
    with pytest.raises(LexiconError, match="looks different"):
        read_lexicon(path, drop_homographs=True)


def test_a_path_that_is_no_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    for path in (tmp_path, tmp_path / "none.csv", "a\0b.csv", os.devnull):
        with pytest.raises(LexiconError, match=r"cannot be read .*give the path of a text file"):
            read_lexicon(path)
    path = written(tmp_path, PLAIN)
    monkeypatch.setattr(Path, "read_bytes", unreadable)
    with pytest.raises(LexiconError, match=r"cannot be read \(Permission denied\)"):
        read_lexicon(path)


def test_unused_columns_and_rows_are_reported(tmp_path: Path) -> None:
    content = (
        "word,class,origin,size,seen\ndog,noun,old,1,2020-01-02\nred,adjective,old,x,2020-01-02\nrun,verb,new,2,1:30\n"
    )
    lexicon = read_lexicon(written(tmp_path, content)).take(1, 1)
    assert (lexicon.feature_names, lexicon.dropped_columns) == (("size",), ("origin", "seen"))
    assert lexicon.notes == (
        "lexicon: columns of text are not used as ratings: origin, seen",
        "lexicon: rows that are neither nouns nor verbs are skipped: adjective 1",
    )
    assert read_lexicon(written(tmp_path, content), features=["size"]).dropped_columns == ()  # chosen, not dropped


def test_words_of_any_script_are_read_as_they_are(tmp_path: Path) -> None:
    words = [
        "Ba$$in",
        "a_b^%",
        "<b>&{}",
        "`x\\y",
        "🐕",
        "👩\u200d🍳",
        "狗",
        "כלב",
        "می\u200cخواهم",
        "ice cream",
        '"',
        "#",
    ]
    rows = [f'"{word.replace(chr(34), chr(34) * 2)}",noun\n' for word in words]
    assert read_lexicon(written(tmp_path, "word,class\n" + "".join(rows) + "run,verb\n")).nouns == tuple(words)


def test_clauses_find_words_in_any_unicode_form(tmp_path: Path) -> None:
    lexicon = read_lexicon(written(tmp_path, PLAIN.replace("dog", "cafe\u0301")))
    assert lexicon.nouns == ("café",)
    for content in (
        CLAUSES.replace("dog", "café"),
        "\ufeff" + CLAUSES.replace("dog", "cafe\u0301").replace("\n", "\r\n"),
    ):
        (sentence,) = read_clauses(written(tmp_path, content), lexicon)
        assert sentence.words == ("café", "run")


def test_clauses_with_a_short_row_are_refused(tmp_path: Path) -> None:
    lexicon = read_lexicon(written(tmp_path, PLAIN))
    with pytest.raises(LexiconError, match="line 3: must have 5 columns"):
        read_clauses(written(tmp_path, CLAUSES + "Mother\tSV\tdog\trun\n"), lexicon)
    with pytest.raises(LexiconError, match="columns separated by commas; separate them by tabs"):
        read_clauses(written(tmp_path, CLAUSES.replace("\t", ",")), lexicon)


def test_all_words_of_a_given_lexicon_are_learned(tmp_path: Path, capsys: Any) -> None:
    path = written(tmp_path, PLAIN + "cat,noun,2\n")
    settings = [f"lexicon={path}", "n=1000", "k=10", "sentences=1", "seeds=1", "controls=false"]
    options = [part for setting in settings for part in ("--set", setting)]
    code, printed, errors = brainsim("run", NOUN_VERB, *options, "--out", tmp_path / "run", "--json", capsys=capsys)
    assert code == 0, errors
    assert json.loads(printed)["lexicon"]["nouns"] == ["dog", "cat"]
    assert "note: lexicon" not in errors


def test_the_terminal_says_that_only_a_part_of_a_given_lexicon_is_learned(tmp_path: Path, capsys: Any) -> None:
    path = written(tmp_path, PLAIN + "cat,noun,2\nbird,noun,2\ncow,noun,2\n")
    settings = [f"lexicon={path}", "verbs=1", "n=1000", "k=10", "sentences=1", "seeds=1", "controls=false"]
    options = [part for setting in settings for part in ("--set", setting)]
    code, _, errors = brainsim("run", NOUN_VERB, "--quick", *options, "--out", tmp_path / "run", capsys=capsys)
    assert code == 0, errors
    (line,) = [line for line in errors.splitlines() if "note: lexicon" in line]
    assert line.endswith(
        "lexicon: only the first 3 of 4 nouns and 1 of 1 verbs are learned (--quick); "
        "--set nouns=0 --set verbs=0 takes all"
    )


def test_a_quick_run_learns_a_lexicon_with_fewer_words_whole(tmp_path: Path, capsys: Any) -> None:
    path = written(tmp_path, PLAIN + "cat,noun,2\n")
    settings = [f"lexicon={path}", "n=1000", "k=10", "sentences=1", "seeds=1", "controls=false"]
    options = [part for setting in settings for part in ("--set", setting)]
    code, printed, errors = brainsim(
        "run", NOUN_VERB, "--quick", *options, "--out", tmp_path / "run", "--json", capsys=capsys
    )
    assert code == 0, errors
    assert json.loads(printed)["lexicon"]["nouns"] == ["dog", "cat"]


def test_columns_of_ratings_need_a_lexicon(tmp_path: Path, capsys: Any) -> None:
    code, _, errors = brainsim("run", NOUN_VERB, "--set", "features=size", "--out", tmp_path / "run", capsys=capsys)
    assert code == 2
    assert "--set features=size: the built-in words have no ratings; give a lexicon" in errors


def test_a_word_that_could_be_the_label_of_another_is_refused(tmp_path: Path, capsys: Any) -> None:
    path = written(tmp_path, PLAIN + "dog (heard),noun,2\n")
    code, _, errors = brainsim("run", NOUN_VERB, "--set", f"lexicon={path}", "--out", tmp_path / "run", capsys=capsys)
    assert code == 2
    assert "no word may end in ' (heard)' (got 'dog (heard)')" in errors
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_study_of_words_of_any_script_leaves_metrics_and_pictures(tmp_path: Path, capsys: Any) -> None:
    nouns, verbs = (
        ["Ba$$in", "and/or", "..", "a_b%^{}", "狗", "👩\u200d🍳", "<b>&"],
        ["\\run`", "跑", "כלב", "$_$", "#%d{0}"],
    )
    rows = [f"{word},noun,x\n" for word in nouns] + [f"{word},verb,x\n" for word in verbs]
    path = written(tmp_path, "word,class,remark\n" + "".join(rows))
    settings = [f"lexicon={path}", "nouns=0", "verbs=0", "seeds=1", "sentences=10", "test_every=10", "controls=false"]
    options = [part for setting in settings for part in ("--set", setting)]
    out = tmp_path / "run"
    code, _, errors = brainsim("run", NOUN_VERB, "--quick", *options, "--out", out, capsys=capsys)
    assert code == 0, errors
    assert "note: lexicon: columns of text are not used as ratings: remark" in errors
    assert "could not be drawn" not in errors
    metrics = json.loads((out / "metrics.json").read_text())
    assert (metrics["lexicon"]["nouns"], metrics["lexicon"]["verbs"]) == (nouns, verbs)
    assert metrics["lexicon"]["dropped_columns"] == ["remark"]
    for name in ("learning_curve.png", "raster.png", "overlap.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
