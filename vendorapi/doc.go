// Package vendorapi is the edge to the vendors: what a call's answer means
// ([Outcome]), the ports by which a vendor is asked ([Sender] and what it may
// offer beside), and the HTTP rules that every client shares. The vendors
// themselves are in zhimai and kylin, and sim holds a simulator of both.
package vendorapi
