package main

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// proxies are the networks of the proxies in front of the program, whose word on where a request came from is taken.
type proxies []netip.Prefix

// parseProxies reads addresses and networks, separated by commas.
func parseProxies(text string) (list proxies, err error) {
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		network, err := netip.ParsePrefix(part)
		if address, notOne := netip.ParseAddr(part); notOne == nil {
			network, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		if err != nil {
			return nil, errors.New("TRUSTED_PROXIES must be addresses or networks separated by commas, such as 10.0.0.7,192.168.4.0/24")
		}
		list = append(list, network.Masked())
	}
	return list, nil
}

func (p proxies) trust(address netip.Addr) bool {
	for _, network := range p {
		if network.Contains(address) {
			return true
		}
	}
	return false
}

// peerOf is the address a request came from: its peer's, or, as long as that is a trusted proxy's, the one that this proxy
// has put last into X-Forwarded-For. What stands before that is its sender's own text.
func (p proxies) peerOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	peer, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	said := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for peer = peer.Unmap(); len(said) > 0 && p.trust(peer); said = said[:len(said)-1] {
		before, err := forwardedBy(said[len(said)-1])
		if err != nil {
			break
		}
		peer = before
	}
	return peer.WithZone("").String()
}

// forwardedBy reads one member of X-Forwarded-For; some proxies write the port too.
func forwardedBy(text string) (netip.Addr, error) {
	text = strings.TrimSpace(text)
	if with, err := netip.ParseAddrPort(text); err == nil {
		return with.Addr().Unmap(), nil
	}
	address, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return address.Unmap(), err
}
