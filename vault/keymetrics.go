package vault

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store"
)

// keyMetrics tells Prometheus of keys and of long jobs. What lies in the database is read at each scrape, by one small
// statement, so that every replica says the same.
type keyMetrics struct{ vault *Vault }

// scrapeDeadline bounds what a scrape waits for the database: counters of this process are told without it.
const scrapeDeadline = 2 * time.Second

var (
	unwraps = prometheus.NewDesc("cloakroom_key_service_unwraps_total",
		"Keysets unwrapped by the key service since this process started, by outcome: ok, error.", []string{"outcome"}, nil)
	stale = prometheus.NewDesc("cloakroom_keys_served_stale_total",
		"Times that keys were used although reading them again failed.", nil, nil)
	dataAge = prometheus.NewDesc("cloakroom_key_age_seconds",
		"Age of the oldest key in force, by what it is: data (of any account), epoch.", []string{"key"}, nil)
	overdue = prometheus.NewDesc("cloakroom_keys_overdue",
		"Keys that should have been rotated more than a week ago, by what they are: data (accounts), epoch.", []string{"key"}, nil)
	jobsOpen = prometheus.NewDesc("cloakroom_jobs",
		"Jobs that are not over, and those that were given up in the last week, by kind and state.", []string{"kind", "state"}, nil)
	replicas = prometheus.NewDesc("cloakroom_replicas", "Processes that hold keys, by whether they are in trouble: ok, trouble.", []string{"state"}, nil)
)

// Describe implements prometheus.Collector.
func (m keyMetrics) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{unwraps, stale, dataAge, overdue, jobsOpen, replicas} {
		c <- d
	}
}

// Collect implements prometheus.Collector.
func (m keyMetrics) Collect(c chan<- prometheus.Metric) {
	m.collectStats(c, m.vault.keys.Stats())
	ctx, cancel := context.WithTimeout(context.Background(), scrapeDeadline)
	defer cancel()
	s := m.vault.Schedule
	health, err := m.vault.store.ReadKeyHealth(ctx, s.Rotation+overdueAfter, s.EpochLength+overdueAfter)
	if err != nil {
		m.vault.log.WarnContext(ctx, "a scrape has no figures on the age of keys", "error", store.Redact(err))
		return
	}
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		c <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	gauge(dataAge, health.OldestData.Seconds(), "data")
	gauge(dataAge, health.Epoch.Seconds(), "epoch")
	gauge(overdue, overdueCount(s.Rotation, health.DataOverdue), "data")
	gauge(overdue, overdueCount(s.EpochLength, health.EpochOverdue), "epoch")
	gauge(replicas, float64(health.Replicas-health.Troubled), "ok")
	gauge(replicas, float64(health.Troubled), "trouble")
	for _, j := range health.Jobs {
		gauge(jobsOpen, float64(j.Count), string(j.Kind), string(j.State))
	}
}

// overdueCount is 0 for what no schedule rotates.
func overdueCount(interval time.Duration, count int64) float64 {
	if interval <= 0 {
		return 0
	}
	return float64(count)
}

func (keyMetrics) collectStats(c chan<- prometheus.Metric, s keyring.Stats) {
	counter := func(d *prometheus.Desc, value uint64, labels ...string) {
		c <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
	}
	counter(unwraps, s.Unwraps, "ok")
	counter(unwraps, s.UnwrapErrors, "error")
	counter(stale, s.ServedStale)
}

// rotatedBySchedule says which keysets a schedule rotates. Aliases must stay what they are, and an index key is
// rotated by hand: it costs a second set of tags for as long as it takes.
func rotatedBySchedule(p chat.KeysetPurpose) bool {
	return p != chat.KeysetAlias && p != chat.KeysetIndex
}
