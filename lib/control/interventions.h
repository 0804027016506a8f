#pragma once

#include "control/changes.h"

/// queue.hold, queue.release and queue.cancel. The messages are named by "messages", or are those
/// of a "shop" and (or) a "domain", at most 10,000 recipients at a time. What is being delivered
/// at the moment is neither held nor cancelled, because its outcome must find its place: such
/// messages are told, and when there is nothing else the answer is a conflict.
namespace ecrelay::control {

Result<Change> plan_hold(const Question& question, const Caller& caller);
Result<Change> plan_release(const Question& question, const Caller& caller);
Result<Change> plan_cancel(const Question& question, const Caller& caller);

}  // namespace ecrelay::control
