-- What can be done about an item of a comparison, as it is called.
-- +goose Up
COMMENT ON COLUMN reconcile_items.step IS 'What to do: ask_vendor, settle (the records show it), send (put back or give up), by_hand (in the back office), wait, show, take_back, move (to the right member).';

-- +goose Down
COMMENT ON COLUMN reconcile_items.step IS 'What to do.';
