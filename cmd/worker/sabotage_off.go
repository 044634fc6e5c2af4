//go:build !sabotage

package main

import (
	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/consumers"
	"pointsledger/dispatch"
)

// These three leave their argument alone. A test build (tag sabotage) breaks
// promises here, to show that the torture run notices.

func brokenStore(s dispatch.Store, _ *pgxpool.Pool) dispatch.Store { return s }

func brokenAccount(a dispatch.Account) dispatch.Account { return a }

func brokenRecorder(r consumers.Recorder) consumers.Recorder { return r }
