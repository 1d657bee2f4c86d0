"""A signed folder is what its maker wrote, to the byte, whoever can write beside it."""

import base64
import json
import re
import shutil
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from any2caption.errors import ConfigError, IntegrityError, NotFoundError
from any2caption.settings import Settings
from any2caption.storage import signatures
from any2caption.storage.digest import SIGNATURE, file_digest, folder_digest, listing_digest
from any2caption.storage.signing_keys import Keys


@pytest.fixture
def keys(tmp_path):
    return Keys(tmp_path / "keys" / "signing.pem", tmp_path / "keys" / "verify.pem")


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "bundle"
    (made / "nested").mkdir(parents=True)
    (made / "manifest.json").write_text("{}")
    (made / "nested" / "model.py").write_text("print('hello')")
    return made


@pytest.fixture
def signed(folder, keys):
    signatures.sign(folder, keys=keys)
    return folder


def test_a_signed_folder_verifies_and_gives_its_digests(signed, keys):
    digests = signatures.verify(signed, keys=keys)
    assert digests == {
        name: file_digest(signed / name) for name in ("manifest.json", "nested/model.py")
    }
    assert listing_digest(digests) == folder_digest(signed)


def test_known_digests_are_not_computed_again(folder, keys, monkeypatch):
    digests = signatures.file_digests(folder)
    with monkeypatch.context() as patch:
        patch.delattr(signatures, "file_digest")
        signatures.sign(folder, digests, keys=keys)
        assert signatures.signed_digests(folder, keys=keys) == digests
    assert signatures.verify(folder, keys=keys) == digests


def test_the_format_is_that_of_openssf_model_signing(signed, keys):
    """The library's own command, with its own hashing, agrees."""
    command = [
        *(sys.executable, "-m", "model_signing", "verify", "key", str(signed)),
        *("--signature", str(signed / SIGNATURE), "--public_key", str(keys.public)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (signed / "nested" / "model.py").write_text("evil()")
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0


def test_a_signature_of_the_library_is_read(folder, keys):
    from model_signing import hashing, signing

    config = signing.Config().use_elliptic_key_signer(private_key=keys.for_signing())
    hashing_config = hashing.Config().set_ignored_paths(
        paths=[folder / SIGNATURE], ignore_git_paths=False
    )
    config.set_hashing_config(hashing_config).sign(folder, folder / SIGNATURE)
    assert set(signatures.verify(folder, keys=keys)) == {"manifest.json", "nested/model.py"}


def change(folder):
    (folder / "nested" / "model.py").write_text("evil()")
    return "nested/model.py: changed since it was signed"


def add(folder):
    (folder / "nested" / "sitecustomize.py").write_text("evil()")
    return "nested/sitecustomize.py: added since it was signed"


def hide(folder):
    (folder / ".git").mkdir()
    (folder / ".git" / "hook").write_text("evil()")
    return ".git/hook: added since it was signed"


def remove(folder):
    (folder / "manifest.json").unlink()
    return "manifest.json: missing"


def link(folder):
    (folder / "elsewhere").symlink_to("/etc/hostname")
    return "elsewhere: a symbolic link"


@pytest.mark.parametrize("tamper", [change, add, hide, remove, link])
def test_the_altered_file_is_named(signed, keys, tamper):
    message = tamper(signed)
    with pytest.raises(IntegrityError, match=re.escape(message)):
        signatures.verify(signed, keys=keys)


def test_a_file_and_its_digest_rewritten_together_are_refused(signed, keys):
    change(signed)
    file = signed / SIGNATURE
    document = json.loads(file.read_text())
    statement = json.loads(base64.b64decode(document["dsseEnvelope"]["payload"]))
    for resource in statement["predicate"]["resources"]:
        resource["digest"] = file_digest(signed / resource["name"])
    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    document["dsseEnvelope"]["payload"] = payload
    file.write_text(json.dumps(document))
    with pytest.raises(IntegrityError, match=r"model\.sig: (altered since|not a signature)"):
        signatures.verify(signed, keys=keys)


def test_a_stranger_cannot_sign(signed, keys, tmp_path):
    other = Keys(tmp_path / "other.pem", tmp_path / "other.pub")
    change(signed)
    signatures.sign(signed, keys=other)
    with pytest.raises(IntegrityError, match="not a signature by the key"):
        signatures.verify(signed, keys=keys)
    assert signatures.verify(signed, keys=other)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[1]", b'{"dsseEnvelope": {}}'])
def test_a_damaged_signature_is_named(signed, keys, content):
    (signed / SIGNATURE).write_bytes(content)
    with pytest.raises(IntegrityError, match=r"model\.sig: not a signature"):
        signatures.verify(signed, keys=keys)


def test_an_unsigned_folder_says_how_to_sign_it(folder, keys):
    keys.for_signing()
    with pytest.raises(IntegrityError, match=rf"not signed.*`a2c model sign {folder}`"):
        signatures.verify(folder, keys=keys)
    with pytest.raises(NotFoundError, match="no such folder"):
        signatures.verify(folder / "none", keys=keys)
    with pytest.raises(NotFoundError, match="nothing there to sign"):
        signatures.sign(folder / "none", keys=keys)


def test_trusted_files_are_not_read_but_must_be_there(signed, keys):
    def trusting(name):
        return name == "nested/model.py"

    change(signed)
    assert signatures.verify(signed, keys=keys, trusting=trusting)
    (signed / "nested" / "model.py").unlink()
    with pytest.raises(IntegrityError, match=r"model\.py: missing"):
        signatures.verify(signed, keys=keys, trusting=trusting)


def test_a_signature_is_no_part_of_what_a_folder_is(signed, keys):
    before = folder_digest(signed)
    signatures.sign(signed, keys=keys)
    assert folder_digest(signed) == before
    (signed / "manifest.json").write_text("other")
    assert folder_digest(signed) != before


def test_the_private_key_is_the_owners_alone(keys):
    with pytest.raises(NotFoundError, match="A2C_VERIFY_KEY"):
        keys.for_verifying()
    private = keys.for_signing()
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert b"PUBLIC KEY" in keys.for_verifying().read_bytes()
    assert private.read_bytes() == keys.for_signing().read_bytes()
    private.chmod(0o644)
    with pytest.raises(ConfigError, match="others can read this key"):
        keys.for_signing()


def test_of_several_first_signers_one_makes_the_key(keys):
    with ThreadPoolExecutor(8) as pool:
        private = set(pool.map(lambda _: keys.for_signing().read_bytes(), range(16)))
    assert len(private) == 1
    assert sorted(path.name for path in keys.private.parent.iterdir()) == [
        "signing.pem", "verify.pem",
    ]  # fmt: skip


def test_a_pair_that_does_not_belong_together_is_refused(keys, tmp_path):
    other = Keys(tmp_path / "other.pem", tmp_path / "other.pub")
    other.for_signing()
    keys.for_signing()
    shutil.copy(other.public, keys.public)
    with pytest.raises(ConfigError, match="is not the public part of"):
        keys.for_signing()
    keys.private.unlink()
    with pytest.raises(ConfigError, match="without its private part"):
        keys.for_signing()


@pytest.mark.parametrize("content", ["", "no key", "-----BEGIN PRIVATE KEY-----\n"])
def test_a_file_that_is_no_key_is_named(keys, content):
    keys.private.parent.mkdir()
    keys.private.touch(mode=0o600)
    keys.private.write_text(content)
    with pytest.raises(ConfigError, match=r"signing\.pem: not a private key"):
        keys.for_signing()


def test_keys_lie_outside_the_state_folder_one_pair_a_stack(monkeypatch, tmp_path):
    for name in ("A2C_SIGNING_KEY", "A2C_VERIFY_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    one, two = (Keys.of(Settings(home=tmp_path / name)) for name in ("one", "two"))
    assert one != two
    for file in (one.private, one.public):
        assert file.is_relative_to(tmp_path / "config" / "any2caption")
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "person"))
    found = Keys.of(Settings(home=tmp_path / "one")).private
    assert found.is_relative_to(Path(tmp_path / "person" / ".config" / "any2caption"))
