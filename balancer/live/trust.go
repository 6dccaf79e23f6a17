package live

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
)

// trustAnew ends the connection if it would not be made with another TLS
// configuration: the link then connects again, with that. Two configurations
// themselves cannot be compared, for they hold functions.
func (x *life) trustAnew(now *tls.Config) {
	if now == x.tls {
		return
	}
	if err := accepts(now, x.tls, x.cfg.Address, x.conn.TLS()); err != nil {
		x.d.log.Warn("the router is connected to again: its TLS configuration has changed", "router", x.cfg.Name, "error", err)
		go func() { _ = x.conn.Close() }() // it waits for the router
		return
	}
	x.tls = now
}

// accepts tells whether a connection that was made with the configuration old could
// have been made with now, and why not.
func accepts(now, old *tls.Config, address string, st *tls.ConnectionState) error {
	switch {
	case now == nil || old == nil || st == nil:
		return errors.New("TLS was switched on or off")
	case st.Version < now.MinVersion:
		return fmt.Errorf("it speaks %s", tls.VersionName(st.Version))
	case !slices.EqualFunc(now.Certificates, old.Certificates, sameCertificate):
		return errors.New("the balancer has another certificate of its own")
	case len(st.PeerCertificates) == 0:
		return errors.New("the router has shown no certificate")
	}
	chains := st.VerifiedChains
	if !now.InsecureSkipVerify {
		name := now.ServerName
		if name == "" {
			name, _, _ = net.SplitHostPort(address)
		}
		opts := x509.VerifyOptions{Roots: now.RootCAs, DNSName: name, Intermediates: x509.NewCertPool()}
		if now.Time != nil {
			opts.CurrentTime = now.Time()
		}
		for _, c := range st.PeerCertificates[1:] {
			opts.Intermediates.AddCert(c)
		}
		var err error
		if chains, err = st.PeerCertificates[0].Verify(opts); err != nil {
			return err
		}
	}
	if now.VerifyPeerCertificate != nil {
		raw := make([][]byte, len(st.PeerCertificates))
		for i, c := range st.PeerCertificates {
			raw[i] = c.Raw
		}
		if err := now.VerifyPeerCertificate(raw, chains); err != nil {
			return err
		}
	}
	if now.VerifyConnection != nil {
		seen := *st
		seen.VerifiedChains = chains
		return now.VerifyConnection(seen)
	}
	return nil
}

func sameCertificate(a, b tls.Certificate) bool {
	return slices.EqualFunc(a.Certificate, b.Certificate, bytes.Equal)
}
