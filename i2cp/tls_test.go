package i2cp

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"
)

// TestTLS: over TLS, with the router's self-signed certificate known to the
// client, and refused where it is not.
func TestTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"router"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
	})
	if err != nil {
		t.Fatal(err)
	}
	b := &fakeRouter{}
	b.handle = func(_ *ServerConn, s *RouterSession, m Message) error {
		return s.Send(&MessagePayload{Session: s.ID(), Payload: m.(*SendMessage).Payload})
	}
	server := NewServer(b, ServerConfig{})
	accepted := make(chan struct{})
	go func() {
		defer close(accepted)
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go func(nc net.Conn) { _ = server.Serve(context.Background(), nc) }(nc)
		}
	}()
	defer func() {
		_ = l.Close()
		<-accepted
		server.Close()
	}()

	if _, err := Dial(t.Context(), l.Addr().String(), Config{TLS: &tls.Config{ServerName: "router"}}); err == nil {
		t.Error("an unknown certificate is taken")
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	c, err := Dial(t.Context(), l.Addr().String(), Config{TLS: &tls.Config{ServerName: "router", RootCAs: roots}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.CreateSession(t.Context(), testKeys(t, 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := bytes.Repeat([]byte("x"), 50_000)
	if _, err := s.SendMessage(t.Context(), s.Destination(), PayloadInfo{}, want, false); err != nil {
		t.Fatal(err)
	}
	m, ok := (<-s.Messages()).(*MessagePayload)
	if !ok {
		t.Fatal(s.Err())
	}
	if _, got, err := ParsePayload(nil, m.Payload, 1<<16); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	_ = c.Close()
}
