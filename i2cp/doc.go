// Package i2cp speaks I2CP, the protocol between I2P routers and their clients,
// and an extension of it for Proposal 140, which lets one client serve one
// Destination from several routers.
//
// I2CP is specified at https://i2p.net/docs/specs/i2cp (here: as of 0.9.67); the
// comments name its sections. The extension is specified in docs/i2cp-p140.md.
//
// # Messages
//
// Each message is a flat struct with Append and Parse, each other's inverse. See
// [Message] for who owns what. [Reader] and [AppendFrame] make streams of them.
// A parser takes what the specification allows and nothing else, and says in a
// [*ParseError] what was wrong and where.
//
// # Clients
//
// [Dial] connects to a router and [Conn.CreateSession] opens a session; its
// messages come from [Session.Messages]. On a router that speaks the extension,
// [Conn.OpenSession] opens a managed one. A connection has one goroutine that
// reads and one that writes. All that waits is bounded by [Limits]: senders wait
// for room, and nothing more is read while a session's messages are not taken.
//
// A connection ends once, for one reason, a [*ConnError], which says who ended
// it. A fault of the peer is told to it in a Disconnect.
//
// # Routers
//
// [Server] is the other end: it serves sessions for any [Backend], stock or with
// the extension.
//
// # Limitations
//
//   - Payloads are sent in stored blocks unless asked otherwise; compressed ones
//     are read.
//   - MessageStatus and SendStatus are handed on as they come, and not matched
//     with what was sent.
//   - ReceiveMessageBegin and ReceiveMessageEnd exist as messages only: sessions
//     use fast receive, the default since 0.9.4.
package i2cp
