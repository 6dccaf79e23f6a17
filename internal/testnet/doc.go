// Package testnet builds a private I2P network of real routers: i2pd, as it
// comes from the distribution, each at an address of its own in a network
// namespace that has nothing but a loopback device. No packet can leave it.
//
// There are two ways in. A test, or a command that lives as long as the network,
// runs itself again inside of a new namespace and calls Start there:
//
//	func TestX(t *testing.T) {
//		if !testnet.Inside(t) {
//			return // has been run inside, or is skipped
//		}
//		n := testnet.StartTest(t, testnet.Options{Routers: 6})
//		conn, err := net.Dial("tcp", n.Routers()[0].I2CP())
//
// Up leaves a network running in the background, under a supervisor, which is
// the calling program again (so its main, or TestMain, calls Main first); Down
// ends it, and Find tells how it is. Its I2CP ports and web consoles can
// be reached from outside: the listening sockets on 127.0.0.1 are opened
// outside, handed down to the supervisor, and stay in the namespace that they
// were opened in, while what the supervisor dials is inside. So there is one
// relay, and no route.
//
// All routers are children of one process and die with it (PR_SET_PDEATHSIG).
//
// It needs Linux, an i2pd (Debian's 2.45.1 and newer; the option, then the
// environment variable MULTIHOME_I2PD, then PATH name it), and either root or
// user namespaces. Neither iproute2 nor util-linux is needed.
package testnet
