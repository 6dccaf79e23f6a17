package live_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"multihome.i2p/balancer/live"
	"multihome.i2p/i2cp"
)

// certificate makes one that its own key has signed, as routers do.
func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// trusting takes a certificate and no other, in the way of mhbalance (pinned), or
// in that of browsers.
func trusting(c tls.Certificate, pinned bool) *tls.Config {
	if !pinned {
		roots := x509.NewCertPool()
		roots.AddCert(c.Leaf)
		return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // VerifyConnection is stricter
		VerifyConnection: func(st tls.ConnectionState) error {
			if !st.PeerCertificates[0].Equal(c.Leaf) {
				return errors.New("another certificate")
			}
			return nil
		},
	}
}

// A router's changed certificate takes effect: what shows another one is left, and
// taken again when it shows the right one. Where nothing has changed the session
// stays.
func TestReloadChangedCertificate(t *testing.T) {
	t.Parallel()
	for _, pinned := range []bool{true, false} {
		t.Run(map[bool]string{true: "pinned", false: "roots"}[pinned], func(t *testing.T) {
			t.Parallel()
			first, second := certificate(t), certificate(t)
			var shown atomic.Pointer[tls.Certificate]
			shown.Store(&first)
			s, address := newTLSStub(t, &shown)
			cfg := benchConfig(t, []string{address}, 1)
			cfg.Routers[0].TLS = trusting(first, pinned)
			service := serve(t, cfg)
			reload := func(c tls.Certificate) {
				t.Helper()
				again := cfg
				again.Routers = []live.Router{cfg.Routers[0]}
				again.Routers[0].TLS = trusting(c, pinned)
				if err := service.Reload(again); err != nil {
					t.Fatal(err)
				}
			}
			up := func() bool { return state(service, "r0").State == "up" }

			rs := <-s.opened
			until(t, 10*time.Second, "the router up", up)
			since := state(service, "r0").Since
			reload(first)
			s.ask(t, rs) // its answer comes after what Reload has brought about
			<-s.given
			if got := state(service, "r0").Since; !got.Equal(since) {
				t.Error("a configuration that wants the same has cost the session")
			}

			reload(second)
			until(t, 10*time.Second, "the router left", func() bool {
				r := state(service, "r0")
				return r.State == "down" && strings.Contains(r.Problem, "certificate")
			})
			shown.Store(&second)
			until(t, 20*time.Second, "the router up with its new certificate", up)
		})
	}
}

// newTLSStub starts a stub that shows the certificate in shown.
func newTLSStub(t *testing.T, shown *atomic.Pointer[tls.Certificate]) (*stub, string) {
	t.Helper()
	s := &stub{leases: 1, opened: make(chan *i2cp.RouterSession, 64), given: make(chan struct{}, 64), sent: make(chan struct{}, 64)}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return shown.Load(), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	server := i2cp.NewServer(s, i2cp.ServerConfig{})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { _ = server.Serve(ctx, nc) })
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = l.Close()
		server.Close()
		wg.Wait()
	})
	return s, l.Addr().String()
}
