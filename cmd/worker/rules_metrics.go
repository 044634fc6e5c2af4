package main

import "github.com/prometheus/client_golang/prometheus"

// rulesCollector shows at each scrape whether the intake is stopped by rules
// that have ended.
type rulesCollector struct {
	service *service
	ended   *prometheus.Desc
}

func newRulesCollector(s *service) *rulesCollector {
	return &rulesCollector{service: s,
		ended: describe("rules_ended", "1 while this worker fetches nothing because its rules may not be used any more: others have registered newer ones, or they were withdrawn.")}
}

// Describe implements prometheus.Collector.
func (c *rulesCollector) Describe(out chan<- *prometheus.Desc) { out <- c.ended }

// Collect implements prometheus.Collector.
func (c *rulesCollector) Collect(out chan<- prometheus.Metric) {
	gauge(out, c.ended, truth(c.service.runner.RulesEnded() != ""))
}
