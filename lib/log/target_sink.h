#pragma once

#include <spdlog/sinks/base_sink.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "core/result.h"
#include "log/log.h"

/// Writes lines to stdout or a file. Private to the module.
namespace ecrelay::log {

/// spdlog's own file sinks cannot reopen and stop at the first error (1.10): this one opens the
/// file anew when asked, goes on after errors, and tells how many lines are missing. Used by the
/// writing thread only, but for ask_reopen(), set_format() and failed().
class TargetSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  /// Lines dropped before they came here.
  using Dropped = std::function<std::size_t()>;

  static Result<std::shared_ptr<TargetSink>> open(const Options& options);
  TargetSink(int fd, std::string path, const Options& options);
  ~TargetSink() override;

  void watch(Dropped dropped) { dropped_ = std::move(dropped); }
  void ask_reopen() { reopen_.store(true); }
  /// Of its own lines.
  void set_format(Format format) { format_.store(format); }
  std::size_t failed() const { return failed_.load(); }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override { reopen_if_asked(); }

 private:
  void reopen_if_asked();
  void tell_losses();
  /// False when the whole line could not be written.
  bool put(std::string_view line);
  Options options() const;

  int fd_;
  std::string path_;  // empty: stdout
  Options options_;
  std::atomic<Format> format_;
  Dropped dropped_;
  std::atomic<bool> reopen_ = false;
  std::atomic<std::size_t> failed_ = 0;
  std::size_t told_ = 0;
  std::string problem_;
  bool torn_ = false;  // the last line has no end
};

}  // namespace ecrelay::log
