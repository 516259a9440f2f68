"""Files of text that can be read, files that are refused, and tokenizers that decode to the encoded text."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainsim.errors import DeclarationError
from brainsim.networks.bpe import _PIECES, BpeTokenizer
from brainsim.networks.text import ByteTokenizer, CharTokenizer, TextError, Tokenizer, read_text, tokenizer_from_json

TEXT = "the cat sat on the mat; the cats sat on mats.\nThe 12 cats don't sit, 34 mice did!\n" * 20
BPE = BpeTokenizer.learn(TEXT, 300)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no text"),
        (b" \n\t\n", "holds no text"),
        (b"some\0text", r"is binary \(NUL at byte 4\)"),
        ("Ärger".encode("latin1"), r"is not UTF-8 \(byte 0 is 0xc4\); convert it"),
        (b"cut \xe2\x82", "is not UTF-8"),
    ],
)
def test_files_that_hold_no_text_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "text.txt").write_bytes(content)
    with pytest.raises(TextError, match=f"text.txt: {message}"):
        read_text(tmp_path / "text.txt")


@pytest.mark.parametrize("path", ["absent.txt", ".", "a\0b"])
def test_paths_that_cannot_be_read_are_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(TextError, match="cannot be read"):
        read_text(tmp_path / path)


def test_a_text_is_read_without_byte_order_mark_and_with_unix_line_ends(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_bytes("\ufeffÄrger\r\nein zweiter\n".encode())
    assert read_text(tmp_path / "text.txt") == "Ärger\nein zweiter\n"


@given(st.text())
def test_byte_and_bpe_tokenizers_decode_to_the_encoded_text(text: str) -> None:
    for tokenizer in (ByteTokenizer(), BPE):
        try:
            tokens = tokenizer.encode(text)
        except DeclarationError:  # half of a surrogate pair, which UTF-8 cannot encode
            assert any("\ud800" <= each <= "\udfff" for each in text)
        else:
            assert tokenizer.decode(tokens) == text
            assert all(0 <= each < tokenizer.vocabulary for each in tokens)


def test_characters_are_numbered_in_order_and_others_are_refused() -> None:
    tokenizer = CharTokenizer.of("cabbage")
    assert tokenizer.alphabet == "abceg"
    assert tokenizer.encode("bag") == [1, 0, 4]
    assert tokenizer.decode([1, 0, 4]) == "bag"
    with pytest.raises(TextError, match=r"character 'x' at 2 is not among the 5 characters .* \(2 are not\)"):
        tokenizer.encode("baxy")
    with pytest.raises(DeclarationError, match="alphabet: must be distinct characters"):
        CharTokenizer("aba")


def naive_merges(text: str, wanted: int) -> list[tuple[int, int]]:
    """Return the merges of the most frequent pairs, and count all pairs again for each merge."""
    pieces = [(list(piece.encode()), count) for piece, count in Counter(_PIECES.findall(text)).items()]
    merges: list[tuple[int, int]] = []
    while len(merges) < wanted:
        pairs: Counter[tuple[int, int]] = Counter()
        for piece, count in pieces:
            for pair in pairwise(piece):
                pairs[pair] += count
        best = min(pairs, key=lambda pair: (-pairs[pair], pair), default=None)
        if best is None or pairs[best] < 2:
            break
        merges.append(best)
        for piece, _ in pieces:
            at = 0
            while at < len(piece) - 1:
                if (piece[at], piece[at + 1]) == best:
                    piece[at : at + 2] = [255 + len(merges)]
                at += 1
    return merges


@pytest.mark.parametrize("text", [TEXT, "aaaa aaaaa aaa aa" * 3, "äöü äöü ßä" * 5, "ababab abab bababa" * 4])
def test_the_merges_are_those_of_a_naive_implementation(text: str) -> None:
    assert list(BpeTokenizer.learn(text, 320).merges) == naive_merges(text, 64)


def test_frequent_words_become_one_token_and_no_token_reaches_across_words() -> None:
    assert len(BPE.encode(" the")) == 1
    assert len(BPE.encode(TEXT)) < len(TEXT) / 2
    pieces = [BPE.decode([each]) for each in range(256, BPE.vocabulary)]
    assert not [each for each in pieces if each.strip().count(" ")]


def test_bpe_encodes_as_the_library_tokenizers_does() -> None:
    """With the same merges and pieces, `tokenizers` gives the same tokens."""
    tokenizers = pytest.importorskip("tokenizers")
    from tokenizers import Regex, models, pre_tokenizers

    shown, merges = _byte_letters(), []
    for number, (first, second) in enumerate(BPE.merges, 256):
        merges.append((shown[first], shown[second]))
        shown[number] = shown[first] + shown[second]
    model = tokenizers.Tokenizer(models.BPE({text: number for number, text in shown.items()}, merges))
    split = pre_tokenizers.Split(Regex(r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"), "isolated")
    model.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(False, use_regex=False)])
    for text in (TEXT, "a few other words, 1234 of them: mats!\n\n  the cat"):
        assert model.encode(text).ids == BPE.encode(text)


def _byte_letters() -> dict[int, str]:
    """Return the letters by which `tokenizers` shows bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [each for each in range(256) if each not in plain]
    return {**{each: chr(each) for each in plain}, **{each: chr(256 + at) for at, each in enumerate(rest)}}


@pytest.mark.parametrize(
    "tokenizer", [ByteTokenizer(), CharTokenizer.of(TEXT), BPE], ids=lambda each: type(each).__name__
)
def test_a_tokenizer_can_be_written_as_json_and_read(tokenizer: Tokenizer) -> None:
    again = tokenizer_from_json(json.loads(json.dumps(tokenizer.to_json())))
    assert again.encode(TEXT) == tokenizer.encode(TEXT)
    assert again.vocabulary == tokenizer.vocabulary
    with pytest.raises(TextError, match=f"outside the vocabulary of {tokenizer.vocabulary}"):
        tokenizer.decode([0, tokenizer.vocabulary])


@pytest.mark.parametrize(
    "content",
    [
        None,
        {},
        {"kind": "words"},
        {"kind": "char"},
        {"kind": "char", "alphabet": 5},
        {"kind": "bpe", "merges": [[0]]},
        {"kind": "bpe", "merges": [[0, 256]]},
        {"kind": "bpe", "merges": [[1, 2], [1, 2]]},
        {"kind": "bpe", "merges": [[None, 2]]},
    ],
)
def test_invalid_descriptions_of_a_tokenizer_are_refused(content: object) -> None:
    with pytest.raises(TextError):
        tokenizer_from_json(content)


@pytest.mark.parametrize("vocabulary", [255, 10**9, "many"])
def test_a_vocabulary_out_of_range_is_refused(vocabulary: object) -> None:
    with pytest.raises(DeclarationError, match="vocabulary: must be an integer"):
        BpeTokenizer.learn(TEXT, vocabulary)
