"""Step logs: nothing that was appended is lost, nothing damaged is believed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from qurvature.records import SCHEMA, to_json
from qurvature.runs import RunError, RunWarning, StepLog, migrate, read_steps
from qurvature.runs.steps import MIGRATIONS


@pytest.fixture
def file(tmp_path):
    return tmp_path / "steps.jsonl"


def test_what_is_appended_is_read_back(file, step):
    with StepLog(file) as log:
        for i in range(3):
            log.append(step(i))
    assert list(map(to_json, read_steps(file))) == [to_json(step(i)) for i in range(3)]


def test_no_file_is_no_records(file):
    assert read_steps(file) == []


@pytest.mark.parametrize("cut", [1, 2, 40, 200])
def test_a_last_line_cut_short_is_left_out_and_healed(file, step, cut):
    with StepLog(file) as log:
        for i in range(3):
            log.append(step(i))
    file.write_bytes(file.read_bytes()[:-cut])
    with pytest.warns(RunWarning, match=r"steps.jsonl:3: the last line was cut short"):
        assert len(read_steps(file)) == 2
    with pytest.warns(RunWarning):
        StepLog(file).close()
    assert [r.step for r in read_steps(file)] == [0, 1]  # healed: no further warning
    with StepLog(file) as log:
        log.append(step(2))
    assert [r.step for r in read_steps(file)] == [0, 1, 2]


def test_garbage_at_the_end_is_left_out(file, step):
    file.write_text(to_json(step(0)) + "\n" + "\0\0\0\0\n")
    with pytest.warns(RunWarning):
        assert len(read_steps(file)) == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"steps.jsonl:2: not JSON"),
        ("[1]", r"steps.jsonl:2: expected an object, given list"),
        ("{}", r"steps.jsonl:2: schema: expected a version up to 1, given None"),
    ],
)
def test_a_damaged_line_in_the_middle_is_an_error(file, step, line, message):
    file.write_text("\n".join([to_json(step(0)), line, to_json(step(2)), ""]))
    with pytest.raises(RunError, match=message):
        read_steps(file)


def test_a_wrong_record_is_an_error_even_at_the_end(file, step):
    data = json.loads(to_json(step(0))) | {"loss": "low"}
    file.write_text(json.dumps(data) + "\n")
    with pytest.raises(RunError, match=r"steps.jsonl:1: StepRecord.loss: expected float"):
        read_steps(file)


def test_a_newer_schema_asks_for_an_update(file, step):
    data = json.loads(to_json(step(0))) | {"schema": SCHEMA + 1}
    file.write_text(json.dumps(data) + "\n")
    with pytest.raises(RunError, match=r"newer than the \d+ that this qurvature reads: update it"):
        read_steps(file)


def test_an_older_schema_is_migrated(monkeypatch):
    monkeypatch.setitem(MIGRATIONS, SCHEMA - 1, lambda data: {**data, "renamed": data["old"]})
    assert migrate({"schema": SCHEMA - 1, "old": 3})["renamed"] == 3


def test_two_processes_do_not_write_to_one_log(file):
    with StepLog(file), pytest.raises(RunError, match="another process is writing to this run"):
        StepLog(file)


def test_a_full_disk_is_explained_and_leaves_whole_lines(file, step, monkeypatch):
    log = StepLog(file)
    log.append(step(0))
    write = os.write

    def fill(descriptor, data):
        if len(data) > 50:
            return write(descriptor, data[:50])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", fill)
    with pytest.raises(RunError, match=r"steps.jsonl: cannot write: No space left on device"):
        log.append(step(1))
    monkeypatch.undo()
    assert [r.step for r in read_steps(file)] == [0]
    log.append(step(1))
    log.close()
    assert [r.step for r in read_steps(file)] == [0, 1]


def test_kill_9_loses_no_appended_line(file, step):
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from qurvature.records import from_json, StepRecord\n"
        "from qurvature.runs import StepLog\n"
        "record = from_json(StepRecord, sys.stdin.readline())\n"
        "log = StepLog(Path(sys.argv[1]))\n"
        "for _ in range(50): log.append(record)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, file], input=to_json(step(0)), text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert len(read_steps(file)) == 50


def test_a_log_can_be_cut_back(file, step):
    with StepLog(file) as log:
        for i in range(4):
            log.append(step(i))
        log.keep(1)
        log.append(step(7))
    assert [r.step for r in read_steps(file)] == [0, 7]


def test_a_folder_in_the_way_is_explained(tmp_path):
    (tmp_path / "steps.jsonl").mkdir()
    with pytest.raises(RunError, match="cannot write: Is a directory"):
        StepLog(Path(tmp_path / "steps.jsonl"))
