"""A trail that is taken away as a file, and verified by the program that FORMAT.md gives."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import grpc
from client import Refusal
from signoff.feed.v1 import trail_pb2
from signoff.workflow.v1 import scope_pb2
from story import Report, samples

VERSIONING = trail_pb2.SOURCE_VERSIONING
FORMAT = pathlib.Path(__file__).parents[2] / "shared" / "ledger" / "FORMAT.md"


def verifier():
    """The last example in Python of FORMAT.md, as it stands there."""
    example = FORMAT.read_text(encoding="utf-8").split("```python\n")[-1].split("```")[0]
    names = {}
    exec(compile(example, str(FORMAT), "exec"), names)
    return names["verify"]


class ExportedTrail(unittest.TestCase):
    """The trail of one report, exported once; its details are two chunks and more."""

    @classmethod
    def setUpClass(cls):
        cls.report = Report()
        cls.addClassCleanup(cls.report.close)
        cls.report.complete_up_to_samples()
        version = cls.report.create(scope_pb2.PHASE_SAMPLE_SELECTION, samples(range(1_000)))
        cls.report.review(cls.report.owner, cls.report.submit(version))
        cls.scope = cls.report.workflow.scope()
        request = trail_pb2.ExportTrailRequest(scope=cls.scope, source=VERSIONING)
        answers = cls.report.owner.trail.ExportTrail(request)
        cls.file = b"".join(answer.json_lines for answer in answers)
        cls.lines = cls.file.splitlines(keepends=True)
        cls.verify = staticmethod(verifier())

    def signoff(self, lines, *heads):
        """What `signoff verify` says of these lines: its exit code and its report."""
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"".join(lines))
            file.flush()
            command = [os.environ["SIGNOFF_PROGRAM"], "verify", file.name, "--output", "json"]
            command += [word for head in heads for word in ("--head", head)]
            done = subprocess.run(command, check=False, capture_output=True, text=True)
        return done.returncode, json.loads(done.stdout) if done.stdout else None

    def does_not_fit(self, lines):
        """Both say that it does not fit, at the same record."""
        with self.assertRaises(ValueError) as raised:
            self.verify(lines)
        code, report = self.signoff(lines)
        self.assertEqual(code, 1, raised.exception)
        return str(raised.exception), report

    def test_an_exported_trail_verifies_without_the_server(self):
        answered = self.report.owner.trail.VerifyTrail(
            trail_pb2.VerifyTrailRequest(scope=self.scope, source=VERSIONING)
        )
        count, head = self.verify(self.lines)
        self.assertEqual((count, head), (answered.records, answered.head.hash.hex()))
        code, report = self.signoff(self.lines)
        self.assertEqual((code, report["intact"]), (0, True))
        self.assertEqual(report["head"], {"sequence": count, "hash": head})
        kinds = [next(iter(json.loads(line))) for line in self.lines]
        self.assertEqual((kinds[0], kinds[-1]), ("trail", "end"))
        self.assertEqual(kinds.count("record"), count)
        self.assertGreater(kinds.count("details"), 6)

    def test_a_changed_line_is_found(self):
        for number, line in enumerate(self.lines):
            for at in (1, len(line) // 2, len(line) - 5):
                changed = bytearray(line)
                changed[at] ^= 2
                with self.subTest(line=number + 1, at=at):
                    self.does_not_fit(self.put(number, bytes(changed)))

    def test_a_missing_or_a_second_line_is_found(self):
        for number, line in enumerate(self.lines):
            with self.subTest(line=number + 1):
                self.does_not_fit(self.put(number, b""))
                self.does_not_fit(self.put(number, line, line))
                self.does_not_fit(self.lines[:number])

    def test_both_name_the_same_record(self):
        changed = self.lines[2].replace(b"phase.opened", b"phase.0pened")
        self.assertNotEqual(changed, self.lines[2])
        words, report = self.does_not_fit(self.put(2, changed))
        self.assertIn("line 3, record 2", words)
        self.assertEqual(
            {name: report["first_damaged"][name] for name in ("line", "record")},
            {"line": 3, "record": 2},
        )

    def test_heads_that_were_kept_show_what_the_file_cannot(self):
        records = [json.loads(line)["record"] for line in self.lines if line.startswith(b'{"rec')]
        heads = [(record["sequence"], record["hash"]) for record in records]
        last, head = heads[-1]
        self.assertEqual(self.verify(self.lines, heads), (last, head))
        self.assertEqual(self.signoff(self.lines, f"{last}:{head}")[0], 0)
        for sequence, kept, record in ((last + 1, head, last + 1), (2, head, 2)):
            with self.assertRaises(ValueError):
                self.verify(self.lines, [(sequence, kept)])
            code, report = self.signoff(self.lines, f"{sequence}:{kept}")
            self.assertEqual((code, report["intact"]), (1, False))
            self.assertEqual(report["first_damaged"]["record"], record)

    def test_a_refusal_comes_before_the_file(self):
        request = trail_pb2.ExportTrailRequest(scope=self.scope)
        with self.assertRaises(grpc.RpcError) as raised:
            list(self.report.owner.trail.ExportTrail(request))
        refusal = Refusal(raised.exception)
        self.assertEqual((refusal.reason, refusal.fields), ("VALIDATION_FAILED", ["source"]))

    def put(self, number, *lines):
        """The lines, with these in the place of one."""
        changed = [*self.lines[:number], *lines, *self.lines[number + 1 :]]
        return [line for line in changed if line]


if __name__ == "__main__":
    unittest.main()
