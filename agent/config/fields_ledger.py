"""What every key of the ledger means, in Chinese; English stands in `agent.config.ledger`.

Also the titles of its columns in a spreadsheet lead back to these sentences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LEDGER: Mapping[str, str] = {
    "AgentConfig.locations": "厂区、车间和产线。",
    "Size.year": "以下数据所属年份。",
    "Size.staff": "从业人员数（人）。",
    "Size.revenue_wan": "全年主营业务收入（万元）。",
    "Size.output_wan": "全年产值（万元）。",
    "Title.kind": "称号：innovative 创新型中小企业，specialised 专精特新中小企业，"
    "little_giant 专精特新“小巨人”企业。",
    "Title.number": "证书编号。",
    "Title.issued_on": "发证日期。",
    "Title.expires_on": "有效期止；不填则按发证后三年计。",
    "Enterprise.id": "企业编号，写入每个主题。",
    "Enterprise.name": "企业注册名称。",
    "Enterprise.uscc": "统一社会信用代码，18 位。",
    "Enterprise.region": "GB/T 2260 县级行政区划代码，6 位。",
    "Enterprise.park": "所在开发区（园区）：代码（G 或 S 加 6 位数字）或名称。",
    "Enterprise.industry": "GB/T 4754 行业代码，例如 C3484。",
    "Enterprise.industry_edition": "GB/T 4754 的版本年份。",
    "Enterprise.industry_kind": "生产类型：discrete 离散，process 流程，mixed 混合。",
    "Enterprise.chain": "所属产业链。",
    "Enterprise.cluster": "所属“51020”产业集群，填名称或代码。",
    "Enterprise.size": "判定企业规模所用的数据。",
    "Enterprise.titles": "已获得的称号（梯度培育）。",
    "Location.id": "场所编号。",
    "Location.kind": "site 厂区，workshop 车间，line 产线。",
    "Location.name": "名称，例如 一车间。",
    "Location.inside": "上级场所。",
    "Location.region": "行政区划代码，与企业不同时填写。",
    "Location.park": "所在开发区，与企业不同时填写。",
    "Process.id": "工序编号。",
    "Process.name": "工序名称，例如 车削。",
    "Process.key": "企业是否申报为关键工序。",
    "Process.outsourced": "外协单位及原因；填写后该工序不计入。",
    "Process.valid_from": "开始计入的日期。",
    "Process.valid_to": "最后计入的日期。",
    "Process.declared_by": "签字人。",
    "Process.declared_on": "签字日期。",
    "Process.document": "依据的工艺文件。",
    "ProcessLink.process": "工序编号。",
    "ProcessLink.valid_from": "开始承担该工序的日期。",
    "ProcessLink.valid_to": "最后承担该工序的日期。",
    "MachineDocument.kind": "资料类别：nameplate 铭牌照片，controller 数控系统照片，"
    "invoice 发票，asset 固定资产登记，other 其他。",
    "MachineDocument.number": "发票号或固定资产编号。",
    "MachineDocument.sha256": "照片或扫描件的 SHA-256（十六进制）；文件本身留在企业。",
    "MachineDocument.on": "资料日期。",
    "Witness.on": "现场核验日期。",
    "Witness.by": "核验人及单位。",
    "Witness.saw": "所见内容，例如 主轴启停与平台一致。",
    "Equipment.id": "设备编号，与铭牌一致。",
    "Equipment.name": "名称。",
    "Equipment.maker": "制造商。",
    "Equipment.model": "型号。",
    "Equipment.serial": "出厂编号。",
    "Equipment.controller": "数控系统。",
    "Equipment.control_type": "控制方式。",
    "Equipment.processes": "可承担的工序。",
    "Equipment.links": "只在某段时间内承担的工序。",
    "Equipment.part_of": "所属柔性单元（FMC）或自动线的设备编号；整套计一台，"
    "其组成设备不再单独计。",
    "Equipment.location": "所在厂区、车间或产线。",
    "Equipment.device": "数据来自 devices 中的哪台设备。",
    "Equipment.in_service_from": "投用日期。",
    "Equipment.in_service_to": "停用日期。",
    "Equipment.declared_by": "签字人。",
    "Equipment.declared_on": "签字日期。",
    "Equipment.documents": "证明资料：照片、发票、固定资产登记。",
    "Equipment.witnessed": "现场核验记录。",
}
"""`Model.field` -> sentence."""
