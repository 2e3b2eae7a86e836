package auth

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// maxLimited bounds how many keys a limiter holds. An attacker with more addresses than that is held by the
// limit of each e-mail and by the slots of bcrypt.
const maxLimited = 50_000

// limiter allows so many attempts of one key in a sliding window. It lives in this process: with n replicas
// the limit is at most n times as high.
type limiter struct {
	limit  int
	window time.Duration
	now    func() time.Time

	mu       sync.Mutex
	attempts map[string][]time.Time // oldest first, at most limit
}

func newLimiter(limit int, window time.Duration, now func() time.Time) *limiter {
	return &limiter{limit: limit, window: window, now: now, attempts: make(map[string][]time.Time)}
}

// allow counts an attempt, or tells how long to wait. A refused attempt does not count.
func (l *limiter) allow(key string) (wait time.Duration, ok bool) {
	now := l.now()
	past := now.Add(-l.window)
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.attempts[key]
	for len(list) > 0 && !list[0].After(past) {
		list = list[1:]
	}
	if len(list) >= l.limit {
		return list[0].Sub(past), false
	}
	if _, known := l.attempts[key]; !known {
		makeRoom(l.attempts, maxLimited, func(list []time.Time) bool { return !list[len(list)-1].After(past) })
	}
	l.attempts[key] = append(list[:len(list):len(list)], now)
	return 0, true
}

// forgive takes back an attempt that turned out right: an office of fifty agents behind one address signs in at nine,
// and only guesses are to be counted. Wrong attempts of the key stay counted.
func (l *limiter) forgive(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch list := l.attempts[key]; len(list) {
	case 0:
	case 1:
		delete(l.attempts, key)
	default:
		l.attempts[key] = list[:len(list)-1]
	}
}

// addressOf is whom an attempt is counted against: the peer's address, and for IPv6 its /64, which is what
// one customer of a provider has.
func addressOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	address = address.Unmap().WithZone("")
	if address.Is6() {
		if block, err := address.Prefix(64); err == nil {
			return block.String()
		}
	}
	return address.String()
}
