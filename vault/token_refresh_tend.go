package vault

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cloakroom/cloakroom/store"
)

const (
	dueBatch        = 50
	dueAtOnce       = 16               // providers asked at a time by one process's schedule
	dueFor          = 40 * time.Second // of a tending, which has a minute
	refreshesKept   = 30 * 24 * time.Hour
	refreshesPruned = 1000
	lateAfter       = 10 * time.Minute // that a token is due, before it is counted as late
)

// tendTokens refreshes what is due, longest due first, and forgets refreshes of long ago. Of providers that are not
// configured here nothing is due.
func (v *Vault) tendTokens(ctx context.Context) error {
	if err := v.store.PruneTokenRefreshes(ctx, refreshesKept, refreshesPruned); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, dueFor)
	defer cancel()
	providers, err := v.store.ListProvidersDue(ctx)
	if err != nil {
		return err
	}
	providers = slices.DeleteFunc(providers, func(name string) bool { return !v.configured(name) })
	for len(providers) > 0 {
		due, err := v.store.ListRefreshesDue(ctx, providers, dueBatch)
		if err != nil {
			return err
		}
		if better := v.refreshAll(ctx, due); len(due) < dueBatch || !better || ctx.Err() != nil {
			break
		}
	}
	return nil
}

// refreshAll refreshes credentials, some at a time, and says whether any was. What is under way when ctx ends goes on.
func (v *Vault) refreshAll(ctx context.Context, due []*store.VaultTokenRow) (better bool) {
	var mu sync.Mutex
	var group sync.WaitGroup
	free := make(chan struct{}, dueAtOnce)
	for _, row := range due {
		select {
		case free <- struct{}{}:
		case <-ctx.Done():
			return better
		}
		group.Go(func() {
			defer func() { <-free }()
			f := v.startRefresh(ctx, row)
			select {
			case <-f.over:
				mu.Lock()
				better = better || f.err == nil || errors.Is(f.err, errNotRefreshed)
				mu.Unlock()
			case <-ctx.Done():
			}
		})
	}
	group.Wait()
	return better
}

// tokenMetrics tells Prometheus how credentials stand, the same from every replica.
type tokenMetrics struct{ vault *Vault }

var tokensStand = prometheus.NewDesc("cloakroom_vault_tokens",
	"Third parties' credentials by how they stand: ACTIVE, LATE (due for ten minutes or more), REAUTH_REQUIRED, REVOKED.", []string{"state"}, nil)

// Describe implements prometheus.Collector.
func (tokenMetrics) Describe(c chan<- *prometheus.Desc) { c <- tokensStand }

// Collect implements prometheus.Collector.
func (m tokenMetrics) Collect(c chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeDeadline)
	defer cancel()
	counts, err := m.vault.store.CountVaultTokens(ctx, lateAfter)
	if err != nil {
		m.vault.log.WarnContext(ctx, "a scrape has no figures on third parties' tokens", "error", store.Redact(err))
		return
	}
	for _, n := range counts {
		c <- prometheus.MustNewConstMetric(tokensStand, prometheus.GaugeValue, float64(n.Count), n.State)
	}
}
