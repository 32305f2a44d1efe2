"""What a report adds up to, and the feed that it is counted from."""

import contextlib
import datetime
import json
import unittest

import grpc
from client import Person, Refusal, request_id
from google.protobuf.timestamp_pb2 import Timestamp
from signoff.feed.v1 import feed_pb2, trail_pb2
from signoff.metrics.v1 import metrics_service_pb2 as metrics
from signoff.versioning.v1 import decision_pb2 as decision
from signoff.workflow.v1 import scope_pb2
from story import OWNER, Report, decisions_of, samples
from waiting import until

SAMPLES = scope_pb2.PHASE_SAMPLE_SELECTION


class Metrics(unittest.TestCase):
    """Ten samples, eight of them approved; then two more are put forward."""

    @classmethod
    def setUpClass(cls):
        cls.report = Report()
        cls.addClassCleanup(cls.report.close)
        cls.report.complete_up_to_samples()
        cls.scope = cls.report.workflow.scope(SAMPLES)
        first = cls.report.submit(cls.report.create(SAMPLES, samples(range(10))))
        rejected = [
            decision.Review(
                decision_id=found.decision_id, verdict=decision.VERDICT_REJECTED, notes="too old"
            )
            for found in list(decisions_of(cls.report.owner, first))[8:]
        ]
        reviewed = cls.report.review(cls.report.owner, first, rejected)
        cls.report.approve(cls.report.owner, reviewed)
        cls.report.create_next(SAMPLES, samples(range(10, 12)))
        cls.auditor = Person.holding(91, ["auditor"])
        cls.addClassCleanup(cls.auditor.close)

        def counted():
            found = cls.of_phase()
            return found if found["version_created"].metric_value == 2 else None

        cls.found = until(counted, "both versions are counted")

    @classmethod
    def of_phase(cls):
        """Every metric of the phase, by its type."""
        answer = cls.report.tester.metrics.GetPhaseMetrics(
            metrics.GetPhaseMetricsRequest(scope=cls.scope)
        )
        return {metric.metric_type: metric for metric in answer.metrics}

    def test_rates_have_what_they_are_made_of(self):
        rejected = self.found["decision_rejection_rate"]
        self.assertEqual((rejected.numerator, rejected.denominator), (2, 10))
        self.assertEqual(rejected.metric_value, 0.2)
        carried = self.found["carry_forward_rate"]
        self.assertEqual((carried.numerator, carried.denominator), (8, 10))
        by_source = self.found["acceptance_rate"].metric_metadata["by_source"]
        self.assertEqual(set(by_source.keys()), {"tester", "llm"})
        self.assertEqual(self.found["rejection_rate"].metric_value, 0)

    def test_times_are_in_hours_and_every_figure_says_what_it_is(self):
        approval = self.found["approval_time_hours"]
        self.assertEqual((approval.unit, approval.denominator), ("h", 1))
        self.assertEqual(approval.metric_metadata["p95"], approval.metric_value)
        for metric in self.found.values():
            self.assertTrue(metric.definition)
            self.assertEqual(len(metric.as_of), 3)
        nothing = self.found["turnaround_time_hours"]
        self.assertFalse(nothing.HasField("metric_value"))

    def test_a_series_has_a_figure_for_each_day(self):
        now = datetime.datetime.now(datetime.UTC)
        start, end = Timestamp(), Timestamp()
        start.FromDatetime(now - datetime.timedelta(days=2))
        end.FromDatetime(now + datetime.timedelta(hours=1))
        request = metrics.QuerySeriesRequest(
            scope=self.scope,
            metric_type="version_created",
            bucket=metrics.BUCKET_DAY,
            to=end,
            group_by=[metrics.GROUP_BY_OUTCOME],
        )
        getattr(request, "from").CopyFrom(start)
        answer = self.report.tester.metrics.QuerySeries(request)
        sums = {
            series.group.outcome: sum(metric.metric_value for metric in series.metrics)
            for series in answer.series
        }
        self.assertEqual(sums, {"created": 1, "revised": 1})
        self.assertGreaterEqual(len(answer.series[0].metrics), 3)

    def test_across_workflows_is_for_those_who_read_everything(self):
        everywhere = metrics.GetWorkflowMetricsRequest()
        found = self.auditor.metrics.GetWorkflowMetrics(everywhere).metrics
        created = {metric.metric_type: metric for metric in found}["version_created"]
        self.assertGreaterEqual(created.metric_value, 5)
        with self.assertRaises(grpc.RpcError) as caught:
            self.report.tester.metrics.GetWorkflowMetrics(everywhere)
        self.assertEqual(Refusal(caught.exception).reason, "ROLE_MISSING")

    def test_bad_input_names_every_field(self):
        with self.assertRaises(grpc.RpcError) as caught:
            self.report.tester.metrics.QuerySeries(
                metrics.QuerySeriesRequest(scope=self.scope, metric_type="beauty", group_by=[99])
            )
        refusal = Refusal(caught.exception)
        self.assertEqual(refusal.reason, "VALIDATION_FAILED")
        self.assertEqual(set(refusal.fields), {"metric_type", "bucket", "from", "group_by[0]"})

    def test_numbers_are_counted_anew_beside_the_old_ones(self):
        with contextlib.closing(Person.holding(90, ["admin"])) as admin:
            asked = metrics.RebuildRequest(request_id=request_id(), reason="to be sure")
            begun = admin.metrics.Rebuild(asked).rebuild

        def done():
            fresh = self.auditor.metrics.GetFreshness(metrics.GetFreshnessRequest())
            rebuilt = fresh.rebuild.generation >= begun.generation
            return rebuilt and fresh.rebuild.state == metrics.REBUILD_STATE_DONE

        until(done, "the rebuild is done")
        again = self.of_phase()
        for name, metric in self.found.items():
            self.assertEqual(again[name].numerator, metric.numerator, name)
            self.assertEqual(again[name].denominator, metric.denominator, name)

    def test_a_service_follows_the_feed_from_where_it_was(self):
        with contextlib.closing(Person.holding(92, ["service"])) as service:
            seen, cursor = [], ""
            request = feed_pb2.SubscribeRequest(source=trail_pb2.SOURCE_VERSIONING)
            stream = service.feed.Subscribe(request)
            for message in stream:
                seen += [record for record in message.records if record.cursor]
                if message.heartbeat.cursor and message.heartbeat.waiting == 0:
                    break
            stream.cancel()
            here = [of for of in seen if of.scope.report_id == self.scope.report_id]
            numbers = [of.record.sequence for of in here]
            self.assertEqual(numbers, list(range(1, len(here) + 1)))
            self.assertEqual(json.loads(here[0].record.canonical)["sequence"], 1)

            cursor = seen[-2].cursor
            request = feed_pb2.SubscribeRequest(
                source=trail_pb2.SOURCE_VERSIONING, cursor=cursor, bytes_only=True
            )
            stream = service.feed.Subscribe(request)
            message = next(iter(stream))
            stream.cancel()
            self.assertEqual(message.records[0].record.hash, seen[-1].record.hash)
        with contextlib.closing(Person.holding(OWNER)) as person:
            with self.assertRaises(grpc.RpcError) as caught:
                next(iter(person.feed.Subscribe(request)))
            self.assertEqual(Refusal(caught.exception).reason, "ROLE_MISSING")


if __name__ == "__main__":
    unittest.main()
