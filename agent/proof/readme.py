"""The page that tells whoever opens a proof file what it is and how to check it."""

from __future__ import annotations

from typing import Final

README_TEXT: Final = """\
关键工序数控化率证明文件
========================

本文件由企业现场的采集网关生成，含台账、统计规则、每台设备每天的采集情况、计算结果以及报告。
采集情况只有计数、时间、各状态时长和计数器（件数、工时、电量）的当日起止读数，不含程序名、
工艺参数、图纸、价格、人数和营收。任何人都可以据此把每一个数字重算一遍。

  report.zh.pdf、report.zh.html   报告，请先看它
  ledger.json                     台账：企业、工序、设备，按企业申报
  settings.json                   统计日、统计期、规则版本、各项约定
  days.jsonl                      每台设备每天采集到多少数据，一行一条
  devices.json                    设备自报的身份：厂家、型号、序列号
  digests.jsonl                   每日摘要，前后相连并签名
  journal.jsonl                   台账的修改记录
  losses.jsonl                    数据缺失的时段与原因
  result.json                     结果：五种算法、窄口径与宽口径，分子分母均为整数
  history.json                    统计期内逐日的结果
  lines.json                      各成员逐行的校验值，用来指出改动在哪一行
  manifest.json                   清单：各成员的大小与 SHA-256
  manifest.sig、key.pem           网关对清单的签名（Ed25519）及其公钥

核验（不需要网关，也不需要配置文件）：

  chulian rate --verify 本文件.zip
  chulian rate --verify 本文件.zip --key 公钥指纹

不用本程序也能核验签名（OpenSSL 3）：

  openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in manifest.json -sigfile manifest.sig

签名只说明：文件出自持有该密钥的网关，此后未被改动。密钥是否属于该企业的网关，
须将公钥指纹与现场网关上显示的核对。


Proof of the key-process CNC rate
=================================

Made by the gateway at the enterprise. It holds the ledger, the rules, what each machine delivered
on each day, the result and the report. Of each day there are counts, times, seconds in each state
and the first and last reading of counters (parts, hours, energy); no program names, parameters of
the process, drawings, prices, staff or revenue. Anybody can compute every number again from it.

  report.en.pdf, report.en.html   the report; begin here
  ledger.json                     enterprise, processes, machines, as declared
  settings.json                   day, period, version of the rules, rulings
  days.jsonl                      what each device delivered on each day, one a line
  devices.json                    who each device says it is: maker, model, serial number
  digests.jsonl                   the digest of each day, chained and signed
  journal.jsonl                   changes of the ledger
  losses.jsonl                    when and why data are missing
  result.json                     five formulas, strict and broad, as integers
  history.json                    the result as of each day of the period
  lines.json                      hashes of every line, to tell which line was changed
  manifest.json                   size and SHA-256 of every member
  manifest.sig, key.pem           the gateway's signature of it (Ed25519) and its public key

To check, without gateway or configuration:

  chulian rate --verify THIS.zip
  chulian rate --verify THIS.zip --key FINGERPRINT

The signature without this program (OpenSSL 3):

  openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in manifest.json -sigfile manifest.sig

The signature says that the file comes from the gateway that holds the key, and was not changed
since. Whether the key is that of the enterprise's gateway is told by comparing its fingerprint
with the one shown at the gateway on site.
""".encode()
