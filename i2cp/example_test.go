package i2cp_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"

	"multihome.i2p/i2cp"
	"multihome.i2p/i2cp/wire"
)

// echo is a router that sends every message back.
type echo struct{}

func (echo) Router() i2cp.RouterInfo        { return i2cp.RouterInfo{} }
func (echo) Authenticate(_, _ string) bool  { return true }
func (echo) Open(*i2cp.RouterSession) error { return nil }
func (echo) Closed(*i2cp.RouterSession)     {}
func (echo) Handle(_ *i2cp.ServerConn, s *i2cp.RouterSession, m i2cp.Message) error {
	if m, ok := m.(*i2cp.SendMessage); ok {
		return s.Send(&i2cp.MessagePayload{Session: s.ID(), Message: s.NextMessage(), Payload: m.Payload})
	}
	return nil
}

// A client and a router, each at its end of a connection.
func Example() {
	ctx := context.Background()
	here, there := net.Pipe()
	served := make(chan error)
	go func() { served <- i2cp.Serve(ctx, there, echo{}) }()

	conn, err := i2cp.NewConn(ctx, here, i2cp.Config{Extension: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("extension:", conn.Extension())
	keys, err := wire.NewPrivateKeyFile(rand.Reader)
	if err != nil {
		fmt.Println(err)
		return
	}
	session, err := conn.CreateSession(ctx, keys, map[string]string{"inbound.quantity": "3"})
	if err != nil {
		fmt.Println(err)
		return
	}
	info := i2cp.PayloadInfo{FromPort: 1, ToPort: 2, Protocol: i2cp.ProtocolRaw}
	if _, err := session.SendMessage(ctx, session.Destination(), info, []byte("hello"), false); err != nil {
		fmt.Println(err)
		return
	}
	m := (<-session.Messages()).(*i2cp.MessagePayload)
	info, data, err := i2cp.ParsePayload(nil, m.Payload, 1<<16)
	fmt.Printf("to port %d: %s, %v\n", info.ToPort, data, err)
	_ = conn.Close()
	fmt.Println(<-served)
	// Output:
	// extension: 0
	// to port 2: hello, <nil>
	// i2cp: peer: disconnected: "client closed"
}
