"""Notes, checkpoints, cosignatures and proofs: published vectors, round trips, and forgeries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatworks.audit.notes import (
    LOG,
    WITNESS,
    BadNote,
    Checkpoint,
    Note,
    Proof,
    Signer,
    Verifier,
    checked,
    signed_checkpoint,
    split_notes,
)

# The example of Go's golang.org/x/mod/sumdb/note.
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PROBLEM = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
PROBLEM_SIGNED = (
    PROBLEM + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvq"
    "fqdngotpRZb6KE6RyyBwJnAM=\n"
)
# The example of C2SP's tlog-checkpoint; its key is not published, its form is.
SOFA = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q"
    "1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)
LOG_KEY = Signer("shop.example/audit", LOG, bytes(32))
WITNESS_KEY = Signer("witness.example", WITNESS, bytes([1]) * 32)
CHECKPOINT = Checkpoint("shop.example/audit", 7, bytes(range(32)))


def test_the_published_note_is_read_and_verified() -> None:
    verifier = Verifier.parse(NEUMANN)
    note = Note.parse(PROBLEM_SIGNED)

    assert (str(verifier), note.text) == (NEUMANN, PROBLEM)
    assert note.signed_at(verifier) == 0
    assert Note.parse(SOFA).signed_at(verifier) is None
    with pytest.raises(BadNote, match="false"):
        Note.parse(PROBLEM_SIGNED.replace("answer", "Answer")).signed_at(verifier)


def test_the_published_checkpoint_is_read() -> None:
    sofa = Checkpoint.parse(Note.parse(SOFA).text)

    assert (sofa.origin, sofa.size) == ("example.com/behind-the-sofa", 20852163)
    assert sofa.text() == SOFA.partition("\n\n")[0] + "\n"


def test_a_checkpoint_is_believed_of_its_own_key_alone() -> None:
    note = signed_checkpoint(CHECKPOINT, LOG_KEY)
    stranger = Signer("shop.example/audit", LOG, bytes([9]) * 32)

    assert checked(note, LOG_KEY.verifier) == CHECKPOINT
    with pytest.raises(BadNote, match="not signed"):
        checked(signed_checkpoint(CHECKPOINT, stranger), LOG_KEY.verifier)
    with pytest.raises(BadNote, match="false"):
        checked(note.replace("\n7\n", "\n8\n"), LOG_KEY.verifier)


def test_a_cosignature_carries_its_time_and_holds_beside_the_logs_own() -> None:
    cosigned = signed_checkpoint(CHECKPOINT, LOG_KEY) + WITNESS_KEY.cosign(
        CHECKPOINT.text(), 1679315147
    )

    assert Note.parse(cosigned).signed_at(WITNESS_KEY.verifier) == 1679315147
    assert checked(cosigned, LOG_KEY.verifier) == CHECKPOINT
    with pytest.raises(BadNote, match="false"):
        Note.parse(cosigned.replace("\n7\n", "\n8\n")).signed_at(WITNESS_KEY.verifier)


def test_a_file_of_checkpoints_is_taken_apart_again() -> None:
    notes = [
        signed_checkpoint(Checkpoint("shop.example/audit", n, bytes(32)), LOG_KEY) for n in (1, 2)
    ]

    assert split_notes("".join(f"{note}\n" for note in notes)) == notes
    assert split_notes("") == []


@pytest.mark.parametrize(
    "text",
    ["", "\n\n", "a\n", "a\n\nb\n", "a\n\n— b \n", "a\n\n— b !!!!\n", "a\x00\n\n— b AAAAAAA=\n",
     "a\n\n— b AAAAAAA=", SOFA.replace("20852163", "020852163"), SOFA.replace("CsUY", "CsU"),
     SOFA.replace("20852163", "-1")],
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        Checkpoint.parse(Note.parse(text).text)


@pytest.mark.parametrize(
    "line",
    ["", "a+b", NEUMANN.replace("c74f", "c74e"), NEUMANN.replace("ARpc", "Axpc"), "a b+1+AA"],
)
def test_what_is_no_verifier_key_is_refused(line: str) -> None:
    with pytest.raises(BadNote):
        Verifier.parse(line)


@given(st.integers(0, 2**62), st.lists(st.binary(min_size=32, max_size=32), max_size=63))
def test_a_proof_is_read_as_it_was_written(index: int, path: list[bytes]) -> None:
    proof = Proof(index, tuple(path), SOFA)

    assert Proof.parse(proof.text()) == proof
    with_extra = proof.text().replace("\nindex", "\nextra AAAA\nindex", 1)
    assert Proof.parse(with_extra) == proof


@given(st.text(max_size=200))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    for read in (Note.parse, Checkpoint.parse, Proof.parse, Verifier.parse):
        try:
            read(text)
        except BadNote:
            continue
