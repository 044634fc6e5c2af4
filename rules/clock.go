package rules

import (
	"time"

	"pointsledger/ledger"
)

const (
	// maxAhead is how far a publisher's clock may be ahead of the broker's.
	maxAhead = 10 * time.Minute
	// maxAgeDays is how old a fact may be when it is published.
	maxAgeDays = 400
	maxAge     = maxAgeDays * 24 * time.Hour
	day        = 24 * time.Hour
)

// checkTime reads the envelope's time and compares it with the broker's.
func (x *reading) checkTime() *ledger.Rejection {
	if !x.came.HasTime() {
		x.time = x.message.BrokerTime
		return nil
	}
	at, rejection := x.came.Time()
	if rejection != nil {
		return rejection
	}
	x.time = at
	return x.checkClock()
}

func (x *reading) checkClock() *ledger.Rejection {
	broker := x.message.BrokerTime
	if x.time.After(broker.Add(maxAhead)) {
		return ledger.Rejectf(ledger.Clock, "time: %s is more than 10 minutes after the broker's time %s", x.time.Format(time.RFC3339), broker.In(x.rules.zone).Format(time.RFC3339))
	}
	if x.time.Before(broker.Add(-maxAge)) {
		return ledger.Rejectf(ledger.Clock, "time: %s is more than %d days before the broker's time %s", x.time.Format(time.RFC3339), maxAgeDays, broker.In(x.rules.zone).Format(time.RFC3339))
	}
	return nil
}

// brokerDay is the broker's day in the programme's zone, as a midnight in UTC.
func (x *reading) brokerDay() time.Time {
	broker := x.message.BrokerTime.In(x.rules.zone)
	return time.Date(broker.Year(), broker.Month(), broker.Day(), 0, 0, 0, 0, time.UTC)
}

// resolveDate finds the business date: the declared field, or the day of the
// envelope's time in the programme's zone.
func (x *reading) resolveDate() *ledger.Rejection {
	at := x.rule.dateAt
	given := &x.values[at]
	if !given.present {
		if x.rule.keyHasDate && !x.came.HasTime() {
			return ledger.Rejectf(ledger.MissingField, `%s: want the date, or the envelope's time: it is part of the key, and the broker's time would change when the event is sent again`, x.path(at))
		}
		var text [len(time.DateOnly)]byte
		x.date = string(x.time.In(x.rules.zone).AppendFormat(text[:0], time.DateOnly))
		return nil
	}
	x.date = given.text
	today := x.brokerDay()
	// number is the date's midnight in UTC as Unix seconds.
	ahead := time.Unix(given.number, 0).Sub(today)
	if ahead > day {
		return ledger.Rejectf(ledger.Clock, "%s: %s is more than a day after the broker's date %s", x.path(at), given.text, today.Format(time.DateOnly))
	}
	if ahead < -maxAge {
		return ledger.Rejectf(ledger.Clock, "%s: %s is more than %d days before the broker's date %s", x.path(at), given.text, maxAgeDays, today.Format(time.DateOnly))
	}
	return nil
}

// checkDaysBack wants a business date that is no older than the rule allows.
func (x *reading) checkDaysBack() *ledger.Rejection {
	most := x.rule.maxDaysBack
	if most == 0 {
		return nil
	}
	date, err := time.Parse(time.DateOnly, x.date)
	today := x.brokerDay()
	if err == nil && today.Sub(date) <= time.Duration(most)*day {
		return nil
	}
	return ledger.Rejectf(ledger.Clock, "the business date %s is more than %d days before the broker's date %s (max_days_back of the rule of %s)",
		x.date, most, today.Format(time.DateOnly), x.came.Type)
}
