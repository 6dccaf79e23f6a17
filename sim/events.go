package sim

// eventKind names what an event of the engine is about. The comment says what
// its a and b hold.
type eventKind uint16

const (
	evTiers         eventKind = iota // fast tiers reorganise
	evSample                         // the truth is sampled
	evStart                          // router a starts
	evLoop                           // build loop of router a
	evRate                           // rate period of router a closes
	evBuildReply                     // build a is answered
	evBuildGiveUp                    // build a has run out of time
	evTunnelEarly                    // tunnel a is treated as expired
	evTest                           // a failing test of tunnel a has run out of time, or a retest has passed
	evRerequest                      // LeaseSet request of router a is repeated
	evRepublish                      // router a publishes
	evStoreSend                      // store job a goes on to its next floodfill
	evStoreTimeout                   // store job a has waited for an ack
	evVerify                         // verification job a asks
	evVerifyTimeout                  // verification job a has waited
	evInquiry                        // the inquiry about attempt b of store job a arrives
	evInquiryAnswer                  // and is answered
	evMail                           // message a arrives
	evFlood                          // LeaseSet a arrives where floodfill b has flooded it to
	evMidnight                       // routing keys rotate
	evPoll                           // watcher a asks the floodfills
	evFault                          // fault a strikes
	evFaultEnd                       // fault a is over
	evI2pdTick                       // tunnel management of i2pd router a
	evI2pdPool                       // pool management of i2pd router a
	evI2pdPublish                    // i2pd router a may publish again
	evI2pdAnswer                     // the client of i2pd router a has signed a LeaseSet
	evNatural                        // stock router a may have forgotten tunnels
	evCoreWake                       // deadline of balancer core a
	evCoreEvent                      // event a reaches its core
	evCommand                        // action a reaches its router
	evBeat                           // probe of router a
	evProbe                          // watcher a writes to the service
	evReply                          // and has an answer in its session b
	evMetaCheck                      // the master of a Meta LeaseSet asks who is up
	evMetaPublish                    // and publishes
	evCensus                         // router a of those that only the census knows comes or goes
	evClientSend                     // client a writes
	evClientLeave                    // another one comes in the place of client a
	evClientResend                   // client a's stream has waited for an answer, by its timer b
	evClientClose                    // the time of client a's stream b is over
	evClientGone                     // the service has not heard of number a for long
	evClientArrive                   // message a of a client arrives
	evClientAnswer                   // the service answers it
	evClientReply                    // the answer arrives
	evClientGreet                    // message a of the balancer's own arrives
	evClientFound                    // a client's lookup a has ended
)

// dispatch handles one event. A switch over small integers and flat state
// instead of closures: nothing is allocated for an event.
func (w *World) dispatch(ev *event) {
	switch eventKind(ev.kind) {
	case evTiers:
		w.advanceTiers()
	case evSample:
		w.sampleTruth()
	case evStart:
		w.startRouter(ev.a)
	case evLoop:
		if w.routers[ev.a].loopGen == ev.gen {
			w.loopDue(ev.a)
		}
	case evRate:
		if w.routers[ev.a].boot == ev.gen {
			w.closeRatePeriod(ev.a)
		}
	case evBuildReply:
		if w.builds.current(ev.a, ev.gen) {
			w.buildReplied(ev.a)
		}
	case evBuildGiveUp:
		if w.builds.current(ev.a, ev.gen) {
			w.buildGivenUp(ev.a)
		}
	case evTunnelEarly:
		if w.tunnels.current(ev.a, ev.gen) {
			w.tunnelExpired(ev.a)
		}
	case evTest:
		if w.tunnels.current(ev.a, ev.gen) {
			w.testEnded(ev.a)
		}
	case evRerequest:
		if w.routers[ev.a].ls.gen == ev.gen {
			w.rebuildLeaseSet(ev.a)
		}
	case evRepublish:
		if w.routers[ev.a].pub.gen == ev.gen {
			w.routers[ev.a].pub.due = Never
			w.republish(ev.a)
		}
	case evStoreSend:
		if w.stores.current(ev.a, ev.gen) {
			w.storeNext(ev.a)
		}
	case evStoreTimeout:
		if w.stores.current(ev.a, ev.gen) {
			w.storeTimedOut(ev.a, ev.b)
		}
	case evVerify:
		if w.stores.current(ev.a, ev.gen) {
			w.verifyAsk(ev.a)
		}
	case evVerifyTimeout:
		if w.stores.current(ev.a, ev.gen) {
			w.verifyTimedOut(ev.a, ev.b)
		}
	case evInquiry:
		if w.stores.current(ev.a, ev.gen) {
			w.inquired(ev.a, ev.b)
		}
	case evInquiryAnswer:
		if w.stores.current(ev.a, ev.gen) {
			w.inquiryAnswered(ev.a, ev.b)
		}
	case evMail:
		w.mailArrived(ev.a)
	case evFlood:
		w.flooded(ev.a, ev.b)
	case evMidnight:
		w.rotateKeys()
	case evPoll:
		w.poll(ev.a)
	case evFault:
		w.faultStrikes(ev.a)
	case evFaultEnd:
		w.faultEnds(ev.a)
	default:
		w.dispatchOther(ev)
	}
}

// dispatchOther handles the events of i2pd routers, of the balancer, of Meta
// LeaseSets and of observers.
func (w *World) dispatchOther(ev *event) {
	switch eventKind(ev.kind) {
	case evI2pdTick:
		if w.routers[ev.a].boot == ev.gen {
			w.i2pdTick(ev.a)
		}
	case evI2pdPool:
		if w.routers[ev.a].boot == ev.gen {
			w.i2pdManage(ev.a)
		}
	case evI2pdAnswer:
		if w.routers[ev.a].boot == ev.gen {
			w.i2pdAnswered(ev.a)
		}
	case evI2pdPublish:
		if w.routers[ev.a].pub.gen == ev.gen {
			w.i2pdPublish(ev.a)
		}
	case evNatural:
		if w.routers[ev.a].boot == ev.gen {
			w.naturalNudge(ev.a, ev.b)
		}
	case evCoreWake:
		if w.core.only != nil {
			w.coreWake(w.core.only)
		} else {
			w.coreWakes(ev.a, ev.gen)
		}
	case evCoreEvent:
		w.coreEvent(ev.a)
	case evCommand:
		w.command(ev.a)
	case evBeat:
		if w.routers[ev.a].boot == ev.gen {
			w.probed(ev.a)
		}
	case evProbe:
		w.probe(ev.a)
	case evReply:
		w.replied(ev.a, ev.b)
	case evMetaCheck:
		w.metaCheck()
	case evMetaPublish:
		if w.meta.gen == ev.gen {
			w.metaPublish()
		}
	case evCensus:
		w.censusChanges(ev.a)
	default:
		w.clientEvent(ev)
	}
}
