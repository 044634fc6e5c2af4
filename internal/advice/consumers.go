package advice

import "pointsledger/consumers"

func consumersWords(err error) string {
	off, ok := err.(*consumers.JetStreamOffError)
	switch {
	case !ok:
		return ""
	case off.OfAccount:
		return off.What() + ": enable it for the account, or correct NATS_CREDS or NATS_URL: " + off.Err.Error()
	}
	return off.What() + ": start the server with it (-js, or jetstream {} in its file), or correct NATS_URL: " + off.Err.Error()
}
