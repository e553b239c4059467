/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A day at Acme. Ann runs sales and the books, Bob sells, Carl helps both. Every source has its say, and every thing
 * that is told has somebody who is not told of it.
 */
#include "cli/demo.h"

#include <stddef.h>

#define INVOICE(number, owner, amount)                                                                                 \
    "{'invoice':{'id':'in-" number "-$id','number':'" number "','owner':'$" owner "',"                                 \
    "'payer':{'name':'Globex Ltd','email':'billing@globex.example'},'amount_minor':" amount ",'currency':'EUR',"       \
    "'due_on':'$date+14d','url':'https://billing.example.org/in-" number "'}}"
#define ABOUT(number) "{'invoice':{'id':'in-" number "-$id'}"
#define APPROVAL(name, title)                                                                                          \
    "{'approval':{'id':'" name "-$id','title':'" title "','url':'https://deals.example.org/" name "',"                 \
    "'submitter':'$bob','steps':[{'name':'Sales','approvers':['$ann','$carl'],'needs':'any'}]}}"
#define RUN(name, kind, admin) "{'run':{'id':'" name "-$id','kind':'" kind "','admin':'$" admin "'}}"

const struct demo_step demo_script[] = {
    {"08:30", "sync", "sync.started", "Ann starts the sync with the HR system", RUN("sync", "sync", "ann"), 0},
    {"08:35", "workflow", "record.created", "Carl gives Bob a hot lead, and Bob does not look",
     "{'record':{'object':'Lead','id':'00Q-$id','owner':'$bob','created_by':'$carl',"
     "'url':'https://crm.example.org/00Q-$id','fields':{'name':'Northwind Dairy','rating':'hot'}}}",
     0},
    {"09:00", "workflow", "record.created", "Bob gives Ann a big deal",
     "{'record':{'object':'Opportunity','id':'006-$id','owner':'$ann','created_by':'$bob',"
     "'url':'https://crm.example.org/006-$id','fields':{'name':'Harbour Cranes, second quay','amount':240000}}}",
     0},
    {"09:10", "sync", "sync.progress", "half of the people are compared; Ann could close the tab by now",
     "{'run':{'id':'sync-$id'},'done':420,'total':840}", 0},
    {"09:50", "sync", "sync.finished", "the sync is done, long after it went to the background",
     "{'run':{'id':'sync-$id'},'outcome':'succeeded','counts':{'added':3,'changed':17,'removed':1},"
     "'url':'https://hr.example.org/syncs/$id'}",
     0},
    {"10:00", "approval", "approval.submitted", "Bob asks Ann or Carl for a discount",
     APPROVAL("discount", "12 % for Harbour Cranes"), 0},
    {"10:20", "approval", "approval.decided", "Ann approves: Carl need not any more",
     "{'approval':{'id':'discount-$id'},'by':'$ann','decision':'approved','comment':'They pay early.'}", 0},
    {"10:21", "approval", "approval.decided", "Carl rejects it a minute too late",
     "{'approval':{'id':'discount-$id'},'by':'$carl','decision':'rejected'}", DEMO_REFUSED},
    {"10:30", "approval", "approval.submitted", "Bob asks for a second one",
     APPROVAL("rebate", "A rebate for Northwind"), 0},
    {"10:50", "approval", "approval.decided", "Carl rejects it",
     "{'approval':{'id':'rebate-$id'},'by':'$carl','decision':'rejected','comment':'Twice a year is enough.'}", 0},
    {"11:00", "sync", "sync.started", "Ann has the commission overview made", RUN("overview", "overview", "ann"), 0},
    {"11:10", "invoice", "invoice.issued", "an invoice of Ann's goes out", INVOICE("4711", "ann", "118000"), 0},
    {"11:40", "invoice", "payment.claimed", "the customer says that it is paid, which Ann has to confirm",
     ABOUT("4711") ",'by':'globex','reference':'SEPA 2210'}", 0},
    {"11:50", "sync", "sync.finished", "the overview is ready",
     "{'run':{'id':'overview-$id'},'outcome':'succeeded',"
     "'url':'https://hr.example.org/overviews/$id'}",
     0},
    {"12:10", "invoice", "claim.confirmed", "Ann finds the money and confirms: the invoice is paid",
     ABOUT("4711") ",'by':'$ann'}", 0},
    {"12:30", "invoice", "invoice.issued", "an invoice of Bob's goes out", INVOICE("4712", "bob", "64050"), 0},
    {"13:00", "invoice", "invoice.disputed", "the customer disputes it: its reminders rest",
     ABOUT("4712") ",'by':'globex','reason':'Two hours too many.'}", 0},
    {"13:30", "invoice", "dispute.resolved", "Bob settles that: the reminders go on", ABOUT("4712") ",'by':'$bob'}", 0},
    {"14:00", "invoice", "payment.received", "the bank reports the money", ABOUT("4712") ",'amount_minor':64050}", 0},
    {"14:10", "invoice", "invoice.issued", "a third invoice goes out", INVOICE("4713", "ann", "9900"), 0},
    {"14:20", "invoice", "payment.claimed", "and is claimed as paid: it waits for Ann", ABOUT("4713") ",'by':'globex'}",
     0},
    {"14:30", "invoice", "booking.disputed", "a customer disputes a booking of Ann's",
     "{'booking':{'id':'bo-$id','url':'https://shifts.example.org/bo-$id','owner':'$ann'},'by':'globex',"
     "'reason':'Nobody came.'}",
     0},
    {"14:50", "invoice", "shift.cancelled", "a shift of Bob's is cancelled four hours ahead: the fee applies",
     "{'shift':{'id':'sh-$id','url':'https://shifts.example.org/sh-$id','owner':'$bob','starts_at':'$time+4h'},"
     "'by':'globex','cancelled_at':'$time+0h',"
     "'terms':{'window_hours':24,'percent':50,'rate_minor':18000,'currency':'EUR'}}",
     0},
    {"15:00", "sync", "work.blocked", "a commission cannot be calculated: the managers have to act",
     "{'item':{'id':'plan-$id','title':'Commission plan North','url':'https://hr.example.org/plans/$id'},"
     "'reason':'No rate for quarter 3.'}",
     0},
    {"15:30", "sync", "sync.started", "Carl has a newer overview made: Ann's is no longer valid",
     RUN("newer", "overview", "carl"), 0},
    {"16:20", "sync", "sync.finished", "that one is ready, too",
     "{'run':{'id':'newer-$id'},'outcome':'succeeded',"
     "'url':'https://hr.example.org/overviews/$id'}",
     0},
    {"16:30", "workflow", "record.created", "Bob makes a case of his own: nobody is told",
     "{'record':{'object':'Case','id':'500-$id','owner':'$bob','created_by':'$bob',"
     "'url':'https://crm.example.org/500-$id','fields':{'name':'Invoice shows the wrong address'}}}",
     0},
    {"16:40", "workflow", "record.updated", "Carl hands the case to Ann",
     "{'record':{'object':'Case','id':'500-$id','owner':'$ann'},'changed_by':'$carl'}", 0},
    {"17:00", "workflow", NULL, "nobody looked at the hot lead all day",
     "Carl gives Bob a hot lead, and Bob does not look", DEMO_LOOK},
    {NULL, NULL, NULL, NULL, NULL, 0}};
