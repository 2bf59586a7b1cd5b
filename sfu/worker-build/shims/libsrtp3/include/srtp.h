// The libsrtp 3 calls that mediasoup-worker makes, expressed with libsrtp 2.
//
// Version 3 hides the policy behind setters, writes its result to a second buffer with size_t lengths, and knows two
// more error codes. As C++ these live beside version 2's functions of the same names as overloads.
#pragma once

#ifndef __cplusplus
#error "C++ only: overloads libsrtp 2's C functions"
#endif

#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

// Version 2's policy struct gives up its name to version 3's handle.
#define srtp_policy_t srtp_v2_policy_t
#include <srtp2/srtp.h>
#undef srtp_policy_t

constexpr auto srtp_err_status_buffer_small = static_cast<srtp_err_status_t>(28);
constexpr auto srtp_err_status_cryptex_err  = static_cast<srtp_err_status_t>(29);

struct livedub_srtp_policy
{
	srtp_v2_policy_t v2{};
	// Version 2 takes the master key with the salt right behind it.
	std::uint8_t keyAndSalt[SRTP_MAX_KEY_LEN]{};
	bool hasKey{ false };
};

using srtp_policy_t = livedub_srtp_policy*;

inline srtp_err_status_t srtp_policy_create(srtp_policy_t* policy)
{
	*policy = new (std::nothrow) livedub_srtp_policy;
	return *policy == nullptr ? srtp_err_status_alloc_fail : srtp_err_status_ok;
}

inline void srtp_policy_destroy(srtp_policy_t policy)
{
	if (policy == nullptr)
	{
		return;
	}
	// Through a volatile pointer, so that the compiler keeps the wipe of memory that is about to be freed.
	volatile std::uint8_t* secret = policy->keyAndSalt;
	for (std::size_t i{ 0 }; i < sizeof(policy->keyAndSalt); ++i)
	{
		secret[i] = 0;
	}
	delete policy;
}

inline srtp_err_status_t srtp_policy_set_ssrc(srtp_policy_t policy, srtp_ssrc_t ssrc)
{
	policy->v2.ssrc = ssrc;
	return srtp_err_status_ok;
}

inline srtp_err_status_t srtp_policy_set_profile(srtp_policy_t policy, srtp_profile_t profile)
{
	const auto status = srtp_crypto_policy_set_from_profile_for_rtp(&policy->v2.rtp, profile);
	return status != srtp_err_status_ok
	         ? status
	         : srtp_crypto_policy_set_from_profile_for_rtcp(&policy->v2.rtcp, profile);
}

// mediasoup sets one master key and no MKI; anything else is refused rather than misread.
inline srtp_err_status_t srtp_policy_add_key(
  srtp_policy_t policy,
  const std::uint8_t* key,
  std::size_t keyLen,
  const std::uint8_t* salt,
  std::size_t saltLen,
  const std::uint8_t* /*mki*/,
  std::size_t mkiLen)
{
	if (policy->hasKey || mkiLen > 0 || keyLen > SRTP_MAX_KEY_LEN || saltLen > SRTP_MAX_KEY_LEN - keyLen)
	{
		return srtp_err_status_bad_param;
	}
	std::memcpy(policy->keyAndSalt, key, keyLen);
	std::memcpy(policy->keyAndSalt + keyLen, salt, saltLen);
	policy->hasKey = true;
	return srtp_err_status_ok;
}

inline srtp_err_status_t srtp_policy_set_allow_repeat_tx(srtp_policy_t policy, bool allow)
{
	policy->v2.allow_repeat_tx = allow;
	return srtp_err_status_ok;
}

inline srtp_err_status_t srtp_policy_set_window_size(srtp_policy_t policy, std::size_t packets)
{
	policy->v2.window_size = packets;
	return srtp_err_status_ok;
}

// Version 2 copies the key out of the policy, which may therefore be destroyed afterwards.
inline srtp_err_status_t srtp_create(srtp_t* session, srtp_policy_t policy)
{
	if (!policy->hasKey)
	{
		return srtp_err_status_bad_param;
	}
	policy->v2.key  = policy->keyAndSalt;
	policy->v2.next = nullptr;
	return srtp_create(session, static_cast<const srtp_v2_policy_t*>(&policy->v2));
}

// Both versions take the SSRC in network byte order.
inline srtp_err_status_t srtp_stream_remove(srtp_t session, std::uint32_t ssrc)
{
	return srtp_remove_stream(session, ssrc);
}

// Runs a version 2 function, which works in place, on a copy in `out`. `growth` is the most it may append.
inline srtp_err_status_t livedub_srtp_via_copy(
  srtp_err_status_t (*inPlace)(srtp_t, void*, int*),
  srtp_t session,
  const std::uint8_t* in,
  std::size_t inLen,
  std::uint8_t* out,
  std::size_t* outLen,
  std::size_t growth)
{
	if (inLen > static_cast<std::size_t>(INT_MAX) - growth)
	{
		return srtp_err_status_bad_param;
	}
	if (*outLen < inLen + growth)
	{
		return srtp_err_status_buffer_small;
	}
	if (in != out)
	{
		std::memmove(out, in, inLen);
	}
	int len           = static_cast<int>(inLen);
	const auto status = inPlace(session, out, &len);
	if (status == srtp_err_status_ok)
	{
		*outLen = static_cast<std::size_t>(len);
	}
	return status;
}

using livedub_srtp_in_place = srtp_err_status_t (*)(srtp_t, void*, int*);

inline srtp_err_status_t srtp_protect(
  srtp_t session, const std::uint8_t* in, std::size_t inLen, std::uint8_t* out, std::size_t* outLen, std::size_t)
{
	return livedub_srtp_via_copy(
	  static_cast<livedub_srtp_in_place>(srtp_protect), session, in, inLen, out, outLen, SRTP_MAX_TRAILER_LEN);
}

// RTCP gains four bytes more than RTP: the E flag with the SRTCP index (RFC 3711, section 3.4).
inline srtp_err_status_t srtp_protect_rtcp(
  srtp_t session, const std::uint8_t* in, std::size_t inLen, std::uint8_t* out, std::size_t* outLen, std::size_t)
{
	return livedub_srtp_via_copy(
	  static_cast<livedub_srtp_in_place>(srtp_protect_rtcp), session, in, inLen, out, outLen, SRTP_MAX_TRAILER_LEN + 4);
}

inline srtp_err_status_t srtp_unprotect(
  srtp_t session, const std::uint8_t* in, std::size_t inLen, std::uint8_t* out, std::size_t* outLen)
{
	return livedub_srtp_via_copy(
	  static_cast<livedub_srtp_in_place>(srtp_unprotect), session, in, inLen, out, outLen, 0);
}

inline srtp_err_status_t srtp_unprotect_rtcp(
  srtp_t session, const std::uint8_t* in, std::size_t inLen, std::uint8_t* out, std::size_t* outLen)
{
	return livedub_srtp_via_copy(
	  static_cast<livedub_srtp_in_place>(srtp_unprotect_rtcp), session, in, inLen, out, outLen, 0);
}
