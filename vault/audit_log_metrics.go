package vault

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cloakroom/cloakroom/store"
)

// auditMetrics tells Prometheus what the trail and its destinations lack, the same from every replica.
type auditMetrics struct{ vault *Vault }

var (
	auditBehind = prometheus.NewDesc("cloakroom_audit_destination_behind",
		"Accounts whose newest checkpoint of the audit trail does not lie at a destination five minutes after it was signed.", []string{"destination"}, nil)
	auditUnnumbered = prometheus.NewDesc("cloakroom_audit_unnumbered_seconds",
		"For how long the entry of the audit trail waits that has waited longest for its number.", nil, nil)
	auditUnsigned = prometheus.NewDesc("cloakroom_audit_unsigned_seconds",
		"For how long the entry of the audit trail waits that has waited longest for a signed checkpoint. Absent where no key signs.", nil, nil)
)

// Describe implements prometheus.Collector.
func (auditMetrics) Describe(c chan<- *prometheus.Desc) {
	c <- auditBehind
	c <- auditUnnumbered
	c <- auditUnsigned
}

// Collect implements prometheus.Collector.
func (m auditMetrics) Collect(c chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeDeadline)
	defer cancel()
	if err := m.collect(ctx, c); err != nil {
		m.vault.log.WarnContext(ctx, "a scrape has no figures on the audit trail", "error", store.Redact(err))
	}
}

func (m auditMetrics) collect(ctx context.Context, c chan<- prometheus.Metric) error {
	unnumbered, unsigned, err := m.vault.store.UnprovenAge(ctx)
	if err != nil {
		return err
	}
	c <- prometheus.MustNewConstMetric(auditUnnumbered, prometheus.GaugeValue, unnumbered.Seconds())
	if m.vault.AuditLog.Key != nil {
		c <- prometheus.MustNewConstMetric(auditUnsigned, prometheus.GaugeValue, unsigned.Seconds())
	}
	for _, d := range m.vault.AuditLog.Destinations {
		behind, err := m.vault.store.CountBehind(ctx, d.Name, behindAfter)
		if err != nil {
			return err
		}
		c <- prometheus.MustNewConstMetric(auditBehind, prometheus.GaugeValue, float64(behind), d.Name)
	}
	return nil
}
